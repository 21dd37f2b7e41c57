// Asks before a machine is shut out for good: its name is typed, so that it is not another one.
import { useState } from 'preact/hooks';
import { change, Refused } from '../shared/api.js';
import { Dialog } from '../shared/dialog.js';
import { Field } from '../shared/field.js';
import { ProblemNote } from '../shared/notes.js';
import type { OwnMachine } from './answers.js';

interface RevokeParts {
  readonly machine: OwnMachine;
  readonly onClose: () => void;
  readonly onRevoked: () => Promise<void>;
}

export function RevokeDialog({ machine: { peerId, name }, onClose, onRevoked }: RevokeParts) {
  const [typed, setTyped] = useState('');
  const [isWorking, setIsWorking] = useState(false);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  const revoke = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (typed !== name) return;
    setIsWorking(true);
    try {
      await change('POST', `/v1/console/machines/${peerId}/revoke`, { name: typed });
      await onRevoked();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error);
      setIsWorking(false);
    }
  };
  return (
    <Dialog title={`Revoke ${name}?`} onClose={onClose}>
      <p>
        It is shut out at once and its keys are destroyed. It can only come back by enrolling anew. What it stores for
        others counts as lost, and earns nothing any more.
      </p>
      {refusal !== null && <ProblemNote refusal={refusal} />}
      {refusal?.code === 'session_stale' && (
        <p>
          <a href={`/sign-in?next=${encodeURIComponent(location.pathname)}`}>Sign in again</a>
        </p>
      )}
      <form onSubmit={(event) => void revoke(event)}>
        <Field label="Type its name" hint={`It is called: ${name}`} value={typed} onInput={setTyped} />
        <div class="actions">
          <button type="submit" class="danger" disabled={typed !== name || isWorking}>
            Revoke it for good
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            Leave it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
