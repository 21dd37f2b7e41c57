// The console of a signed-in person: whose it is, and which page is shown.
import { useEffect } from 'preact/hooks';
import { sendWithChanges, whenSessionEnds } from '../shared/api.js';
import { Frame, type NavigationEntry } from '../shared/frame.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { type Route, useRoute } from '../shared/router.js';
import { useData } from '../shared/use-data.js';
import type { ConsoleSession } from './answers.js';
import { BackupsPage } from './backups-page.js';
import { CreditPage } from './credit-page.js';
import { HostsPage } from './hosts-page.js';
import { MachinePage } from './machine-page.js';
import { MachinesPage } from './machines-page.js';

const ENTRIES: readonly NavigationEntry[] = [
  { page: '', title: 'My machines' },
  { page: 'backups', title: 'My backups' },
  { page: 'credit', title: 'My credit' },
  { page: 'hosts', title: 'Hosts in use' },
];

/** Asked again now and then, so that a session that ended is noticed on a page that asks nothing. */
const SESSION_EVERY_MS = 60_000;

whenSessionEnds(() => signInAgain());

/** To the sign-in page, and back to here. */
export function signInAgain(): void {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

export function PeopleApp() {
  const route = useRoute();
  const { data: session, refusal } = useData<ConsoleSession>('/v1/console/session', SESSION_EVERY_MS);
  useEffect(() => {
    if (session !== null) sendWithChanges({ 'x-form-token': session.formToken });
  }, [session]);
  const page = route.page === 'machines' ? '' : route.page;
  return (
    <Frame brand="Peerkeep" entries={ENTRIES} page={page} who={session !== null && <Who session={session} />}>
      {session === null && refusal === null && <Loading />}
      {session === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {session !== null && <Shown route={route} />}
    </Frame>
  );
}

function Who({ session }: { readonly session: ConsoleSession }) {
  return (
    <>
      <a href="/account">{session.name}</a>
      <form method="post" action="/sign-out">
        <input type="hidden" name="form_token" value={session.formToken} />
        <button type="submit" class="quiet">
          Sign out
        </button>
      </form>
    </>
  );
}

function Shown({ route: { page, id } }: { readonly route: Route }) {
  if (page === 'machines' && id !== null) return <MachinePage key={id} peerId={id} />;
  if (page === '' || page === 'machines') return <MachinesPage />;
  if (page === 'backups') return <BackupsPage />;
  if (page === 'credit') return <CreditPage />;
  if (page === 'hosts') return <HostsPage />;
  return (
    <Page title="No such page">
      <Empty title="There is no page here">The pages of the console stand in its navigation.</Empty>
    </Page>
  );
}
