// Asks why, before something is changed: every change stands in the admin log with its reason.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Refused } from '../shared/api.js';
import { Dialog } from '../shared/dialog.js';
import { Field } from '../shared/field.js';
import { ProblemNote } from '../shared/notes.js';

interface ReasonParts {
  readonly title: string;
  readonly verb: string;
  readonly isDangerous?: boolean;
  /** What it does, and more fields if there are. */
  readonly children?: ComponentChildren;
  readonly onClose: () => void;
  /** Makes the change and ends the dialog; a refusal is shown in it. */
  readonly onDo: (reason: string) => Promise<void>;
}

const REASON_CHARS_MAX = 200;

export function ReasonDialog({ title, verb, isDangerous = false, children, onClose, onDo }: ReasonParts) {
  const [reason, setReason] = useState('');
  const [isWorking, setIsWorking] = useState(false);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  const run = async (event: Event): Promise<void> => {
    event.preventDefault();
    setIsWorking(true);
    setRefusal(null);
    try {
      await onDo(reason.trim());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error);
      setIsWorking(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void run(event)}>
        {children}
        {refusal !== null && <ProblemNote refusal={refusal} />}
        <Field
          label="Reason"
          hint="One line, for the log and for whoever is concerned."
          value={reason}
          onInput={setReason}
          maxLength={REASON_CHARS_MAX}
          isRequired
        />
        <div class="actions">
          <button type="submit" class={isDangerous ? 'danger' : ''} disabled={isWorking || reason.trim() === ''}>
            {verb}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
