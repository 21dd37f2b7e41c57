// What may be done to a peer, each with a reason: as its state and the role of the key allow it.
import { useState } from 'preact/hooks';
import { change } from '../shared/api.js';
import type { PeerState } from '../shared/peer-state.js';
import type { AdminRole, PeerFacts } from './answers.js';
import { ReasonDialog } from './reason-dialog.js';
import { useMay } from './role.js';

interface Action {
  /** As in the address of its route. */
  readonly path: string;
  readonly verb: string;
  readonly done: string;
  readonly role: AdminRole;
  readonly from: readonly PeerState[];
  readonly what: string;
  readonly isDangerous?: boolean;
}

const ACTIONS: readonly Action[] = [
  {
    path: 'suspend',
    verb: 'Suspend',
    done: 'It is suspended.',
    role: 'support',
    from: ['vetting', 'active', 'leaving'],
    what: 'Its messages are refused, and it gets no shards. It keeps its keys, and comes back when it is resumed.',
    isDangerous: true,
  },
  {
    path: 'resume',
    verb: 'Resume',
    done: 'It takes part again.',
    role: 'support',
    from: ['suspended', 'leaving', 'gone'],
    what: 'It takes part again, as it did before.',
  },
  {
    path: 'vet',
    verb: 'End probation',
    done: 'Its probation is over.',
    role: 'operator',
    from: ['vetting'],
    what: 'It is a host like any other from now on, and its withheld credit is its own.',
  },
  {
    path: 'leave',
    verb: 'Have it leave',
    done: 'It is leaving.',
    role: 'support',
    from: ['vetting', 'active'],
    what: 'It gets no new shards, and those that it has are moved away. Undone by resuming it.',
  },
  {
    path: 'renew-key',
    verb: 'Renew its key',
    done: 'It will take another transaction key.',
    role: 'support',
    from: ['vetting', 'active', 'leaving', 'suspended', 'gone'],
    what: 'It hears with its next presence, and takes another transaction key.',
  },
  {
    path: 'revoke',
    verb: 'Revoke',
    done: 'It is revoked.',
    role: 'operator',
    from: ['vetting', 'active', 'leaving', 'suspended', 'gone'],
    what: 'For good: its keys are destroyed, and its shards count as lost. It never comes back.',
    isDangerous: true,
  },
];

interface PeerActionsParts {
  readonly peer: PeerFacts;
  readonly onChanged: (said: string) => Promise<void>;
}

export function PeerActions({ peer: { peerId, name, state }, onChanged }: PeerActionsParts) {
  const [asked, setAsked] = useState<Action | null>(null);
  const may = { viewer: useMay('viewer'), support: useMay('support'), operator: useMay('operator') };
  const possible = ACTIONS.filter(({ role, from }) => may[role] && from.includes(state));
  if (possible.length === 0) return null;
  const run = async ({ path, done }: Action, reason: string): Promise<void> => {
    await change('POST', `/v1/admin/peers/${peerId}/${path}`, { reason });
    setAsked(null);
    await onChanged(done);
  };
  return (
    <div class="actions">
      {possible.map((action) => (
        <button
          key={action.path}
          type="button"
          class={action.isDangerous === true ? 'danger' : 'quiet'}
          onClick={() => setAsked(action)}
        >
          {action.verb}…
        </button>
      ))}
      {asked !== null && (
        <ReasonDialog
          title={`${asked.verb}: ${name}`}
          verb={asked.verb}
          isDangerous={asked.isDangerous === true}
          onClose={() => setAsked(null)}
          onDo={(reason) => run(asked, reason)}
        >
          <p>{asked.what}</p>
        </ReasonDialog>
      )}
    </div>
  );
}
