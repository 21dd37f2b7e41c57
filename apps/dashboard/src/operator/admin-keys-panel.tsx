// Admin keys: whose there are, and how one is revoked. They are made on the broker's machine only.
import { useState } from 'preact/hooks';
import { change } from '../shared/api.js';
import { Loading, ProblemNote } from '../shared/notes.js';
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Table } from '../shared/table.js';
import { Age, Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { ReasonDialog } from './reason-dialog.js';

interface AdminKey {
  readonly keyId: string;
  readonly name: string;
  readonly role: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
}

export function AdminKeysPanel() {
  const { data, refusal, reload } = useData<{ items: readonly AdminKey[] }>('/v1/admin/keys', 30_000);
  const [revoking, setRevoking] = useState<AdminKey | null>(null);
  const revoke = async (reason: string): Promise<void> => {
    if (revoking === null) return;
    await change('POST', `/v1/admin/keys/${revoking.keyId}/revoke`, { reason });
    setRevoking(null);
    await reload();
  };
  return (
    <Panel title="Admin keys">
      {data === null && (refusal === null ? <Loading /> : <ProblemNote refusal={refusal} />)}
      {data !== null && (
        <Table
          caption="Admin keys"
          rows={data.items}
          rowKey={({ keyId }) => keyId}
          columns={[
            { title: 'Name', cell: ({ name }) => name },
            { title: 'Role', cell: ({ role }) => <Pill tone="calm">{role}</Pill> },
            { title: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
            {
              title: 'Ends',
              cell: ({ expiresAt, revokedAt }) =>
                revokedAt === null ? <Age at={expiresAt} /> : <Pill tone="quiet">revoked</Pill>,
            },
            {
              title: 'Action',
              cell: (key) =>
                key.revokedAt === null && (
                  <button type="button" class="danger" onClick={() => setRevoking(key)}>
                    Revoke…<span class="hidden"> {key.name}</span>
                  </button>
                ),
            },
          ]}
        />
      )}
      {revoking !== null && (
        <ReasonDialog
          title={`Revoke the key of ${revoking.name}`}
          verb="Revoke"
          isDangerous
          onClose={() => setRevoking(null)}
          onDo={revoke}
        >
          <p>It opens nothing from then on, nor do the browsers in which it is signed in.</p>
        </ReasonDialog>
      )}
    </Panel>
  );
}
