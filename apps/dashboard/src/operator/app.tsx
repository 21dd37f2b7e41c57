// The operator's console: signed in or not, and which page is shown.
import { useEffect, useState } from 'preact/hooks';
import { change, whenSessionEnds } from '../shared/api.js';
import { Frame, type NavigationEntry } from '../shared/frame.js';
import { Loading, ProblemNote } from '../shared/notes.js';
import { Pill } from '../shared/pill.js';
import { useRoute } from '../shared/router.js';
import { useData } from '../shared/use-data.js';
import type { Self } from './answers.js';
import { SelfContext } from './role.js';
import { ShownPage } from './shown-page.js';
import { SignInPage } from './sign-in-page.js';

const ENTRIES: readonly NavigationEntry[] = [
  { page: '', title: 'Overview', group: 'Network' },
  { page: 'peers', title: 'Peers', group: 'Network' },
  { page: 'relays', title: 'Relays', group: 'Network' },
  { page: 'accounts', title: 'Accounts', group: 'Network' },
  { page: 'audits', title: 'Audits', group: 'Network' },
  { page: 'repairs', title: 'Repairs', group: 'Network' },
  { page: 'transactions', title: 'Transactions', group: 'Traffic' },
  { page: 'refusals', title: 'Refusals', group: 'Traffic' },
  { page: 'ledger', title: 'Ledger', group: 'Traffic' },
  { page: 'policies', title: 'Policies', group: 'Broker' },
  { page: 'enrolment-keys', title: 'Enrolment keys', group: 'Broker' },
  { page: 'log', title: 'Admin log', group: 'Broker' },
  { page: 'health', title: 'Health', group: 'Broker' },
];

const SELF_EVERY_MS = 60_000;

export function OperatorApp() {
  const route = useRoute();
  const [isOut, setIsOut] = useState(false);
  const self = useData<Self>(isOut ? null : '/v1/admin', SELF_EVERY_MS);
  useEffect(() => whenSessionEnds(() => setIsOut(true)), []);
  if (isOut) return <SignInPage onSignedIn={() => setIsOut(false)} />;
  return (
    <SelfContext.Provider value={self.data}>
      <Frame
        brand="Peerkeep operator"
        entries={ENTRIES}
        page={route.page}
        who={self.data !== null && <Who self={self.data} onSignedOut={() => setIsOut(true)} />}
      >
        {self.data === null && self.refusal === null && <Loading />}
        {self.data === null && self.refusal !== null && <ProblemNote refusal={self.refusal} />}
        {self.data !== null && <ShownPage route={route} />}
      </Frame>
    </SelfContext.Provider>
  );
}

function Who({ self, onSignedOut }: { readonly self: Self; readonly onSignedOut: () => void }) {
  const signOut = async (): Promise<void> => {
    await change('DELETE', '/v1/admin/session');
    onSignedOut();
  };
  return (
    <>
      <span>
        {self.name} <Pill tone="calm">{self.role}</Pill>
      </span>
      <button type="button" class="quiet" onClick={() => void signOut()}>
        Sign out
      </button>
    </>
  );
}
