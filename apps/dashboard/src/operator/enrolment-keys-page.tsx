// Enrolment keys: with each, machines enrol without a person's approval. A new one is shown once.
import { useState } from 'preact/hooks';
import { change, pathWith } from '../shared/api.js';
import { formatCount } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { DoneNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Pill } from '../shared/pill.js';
import { Age, Time } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import { CreateEnrolmentKeyDialog } from './create-enrolment-key-dialog.js';
import { QueryField } from './query-field.js';
import { ReasonDialog } from './reason-dialog.js';
import type { Query } from './shown-page.js';

interface EnrolmentKey {
  readonly enrolmentKeyId: string;
  readonly accountId: string | null;
  readonly purpose: 'machine' | 'relay';
  readonly usesLeft: number;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
}

export function EnrolmentKeysPage({ query }: { readonly query: Query }) {
  const list = usePages<EnrolmentKey>(pathWith('/v1/admin/enrolment-keys', { limit: 100, account: query.account }));
  const [isCreating, setIsCreating] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<EnrolmentKey | null>(null);
  const created = async (key: string): Promise<void> => {
    setIsCreating(false);
    setMade(key);
    await list.reload();
  };
  const revoke = async (reason: string): Promise<void> => {
    if (revoking === null) return;
    await change('POST', `/v1/admin/enrolment-keys/${revoking.enrolmentKeyId}/revoke`, { reason });
    setRevoking(null);
    await list.reload();
  };
  return (
    <Page
      title="Enrolment keys"
      aside={
        <>
          <Freshness {...list} />
          <button type="button" onClick={() => setIsCreating(true)}>
            Make a key…
          </button>
        </>
      }
    >
      {made !== null && (
        <>
          <DoneNote>The key is made. It is shown this once.</DoneNote>
          <p class="secret">
            <code>{made}</code>
          </p>
        </>
      )}
      <search class="filters">
        <QueryField label="Account" name="account" query={query} hint="its whole id" />
      </search>
      <List
        list={list}
        caption="Enrolment keys, the newest first"
        rowKey={({ enrolmentKeyId }) => enrolmentKeyId}
        empty="No enrolment key"
        columns={[
          { title: 'Key', cell: ({ enrolmentKeyId }) => <Id of={enrolmentKeyId} /> },
          { title: 'State', cell: (key) => <KeyState of={key} /> },
          {
            title: 'Account',
            cell: ({ accountId }) =>
              accountId === null ? 'a new one each time' : <Id of={accountId} to={`/console/accounts/${accountId}`} />,
          },
          { title: 'Lets in', cell: ({ purpose }) => (purpose === 'relay' ? 'relays' : 'machines') },
          { title: 'Uses left', isNumber: true, cell: ({ usesLeft }) => formatCount(usesLeft) },
          { title: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
          { title: 'Ends', cell: ({ expiresAt }) => <Age at={expiresAt} /> },
          {
            title: 'Action',
            cell: (key) =>
              key.revokedAt === null &&
              key.usesLeft > 0 && (
                <button type="button" class="danger" onClick={() => setRevoking(key)}>
                  Revoke…
                </button>
              ),
          },
        ]}
      />
      {isCreating && <CreateEnrolmentKeyDialog onClose={() => setIsCreating(false)} onCreated={created} />}
      {revoking !== null && (
        <ReasonDialog
          title="Revoke this enrolment key"
          verb="Revoke"
          isDangerous
          onClose={() => setRevoking(null)}
          onDo={revoke}
        >
          <p>Nobody enrols with it any more. Machines that did stay as they are.</p>
        </ReasonDialog>
      )}
    </Page>
  );
}

function KeyState({ of: { revokedAt, usesLeft, expiresAt } }: { readonly of: EnrolmentKey }) {
  if (revokedAt !== null) return <Pill tone="quiet">revoked</Pill>;
  if (usesLeft === 0) return <Pill tone="quiet">used up</Pill>;
  if (Date.parse(expiresAt) <= Date.now()) return <Pill tone="quiet">expired</Pill>;
  return <Pill tone="good">open</Pill>;
}
