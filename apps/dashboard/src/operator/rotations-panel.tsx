// Rotations of the key-encryption key: how far each is, and how another one is asked for.
import { useState } from 'preact/hooks';
import { change } from '../shared/api.js';
import { formatCount } from '../shared/format.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { Panel } from '../shared/panel.js';
import { Time } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import { ReasonDialog } from './reason-dialog.js';
import { useMay } from './role.js';

interface Rotation {
  readonly rotationId: string;
  readonly requestedAt: string;
  readonly keyId: string | null;
  readonly rewrapped: number;
  readonly finishedAt: string | null;
}

const PATH = '/v1/admin/key-rotations';

export function RotationsPanel() {
  const list = usePages<Rotation>(`${PATH}?limit=10`, 5_000);
  const [isAsking, setIsAsking] = useState(false);
  const mayAsk = useMay('operator');
  const rotate = async (reason: string): Promise<void> => {
    await change('POST', PATH, { reason });
    setIsAsking(false);
    await list.reload();
  };
  return (
    <Panel
      title="Key-encryption key"
      aside={
        mayAsk && (
          <button type="button" class="quiet" onClick={() => setIsAsking(true)}>
            Rotate…
          </button>
        )
      }
    >
      <List
        list={list}
        caption="Rotations, the newest first"
        rowKey={({ rotationId }) => rotationId}
        empty="It was never rotated"
        columns={[
          { title: 'Asked', cell: ({ requestedAt }) => <Time at={requestedAt} /> },
          { title: 'To the key', cell: ({ keyId }) => <Id of={keyId} /> },
          { title: 'Secrets sealed anew', isNumber: true, cell: ({ rewrapped }) => formatCount(rewrapped) },
          { title: 'Ended', cell: ({ finishedAt }) => (finishedAt === null ? 'under way' : <Time at={finishedAt} />) },
        ]}
      />
      {isAsking && (
        <ReasonDialog
          title="Rotate the key-encryption key"
          verb="Rotate"
          onClose={() => setIsAsking(false)}
          onDo={rotate}
        >
          <p>Every secret is sealed anew, between everybody's requests. Back the new key up when it has ended.</p>
        </ReasonDialog>
      )}
    </Panel>
  );
}
