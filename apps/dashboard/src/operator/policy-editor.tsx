// A policy as JSON: checked and counted against the live network first, and set only after that was looked at.
import { useId, useState } from 'preact/hooks';
import { change, Refused } from '../shared/api.js';
import { ProblemNote } from '../shared/notes.js';
import { type PolicyChange, PolicyEffect } from './policy-effect.js';
import { type FieldFault, faultsIn, parseWritten } from './policy-faults.js';
import { ReasonDialog } from './reason-dialog.js';

interface EditorParts {
  readonly basedOn: number;
  readonly begunWith: string;
  readonly onApplied: (version: number) => Promise<void>;
}

const PATH = '/v1/admin/policies/current';

export function PolicyEditor({ basedOn, begunWith, onApplied }: EditorParts) {
  const id = useId();
  const [text, setText] = useState(begunWith);
  const [tried, setTried] = useState<{ readonly of: string; readonly change: PolicyChange } | null>(null);
  const [faults, setFaults] = useState<readonly FieldFault[]>([]);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  const [isWorking, setIsWorking] = useState(false);
  const [isApplying, setIsApplying] = useState(false);
  const isTried = tried?.of === text;

  const dryRun = async (): Promise<void> => {
    setRefusal(null);
    setTried(null);
    const parsed = parseWritten(text);
    setFaults(parsed.ok ? [] : [parsed.fault]);
    if (!parsed.ok) return;
    setIsWorking(true);
    try {
      const body = { policy: parsed.written, basedOn, reason: 'dry run' };
      setTried({ of: text, change: await change<PolicyChange>('PUT', `${PATH}?dryRun=true`, body) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === 'policy_invalid') setFaults(faultsIn(error.detail ?? error.title));
      else setRefusal(error);
    } finally {
      setIsWorking(false);
    }
  };
  const apply = async (reason: string): Promise<void> => {
    const parsed = parseWritten(text);
    if (!parsed.ok) return;
    const { version } = await change<PolicyChange>('PUT', PATH, { policy: parsed.written, basedOn, reason });
    await onApplied(version ?? basedOn);
  };
  return (
    <>
      <label for={id}>As in policy.json</label>
      <p class="hint" id={`${id}-hint`}>
        What is left out has its default. Nothing changes before it was tried and applied.
      </p>
      <textarea
        id={id}
        rows={Math.min(28, Math.max(8, text.split('\n').length + 1))}
        spellcheck={false}
        value={text}
        aria-invalid={faults.length > 0}
        aria-describedby={faults.length > 0 ? `${id}-hint ${id}-faults` : `${id}-hint`}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div id={`${id}-faults`} aria-live="polite">
        {faults.length > 0 && (
          <ul class="note bad">
            {faults.map(({ field, fault }) => (
              <li key={`${field} ${fault}`}>
                <code>{field}</code>: {fault}
              </li>
            ))}
          </ul>
        )}
      </div>
      {refusal !== null && <ProblemNote refusal={refusal} />}
      <div class="actions">
        <button type="button" disabled={isWorking} onClick={() => void dryRun()}>
          {isWorking ? 'Trying…' : 'Try it (dry run)'}
        </button>
        <button type="button" class="danger" disabled={!isTried} onClick={() => setIsApplying(true)}>
          Apply…
        </button>
        {!isTried && <span class="fine">It can be applied once it was tried.</span>}
      </div>
      {isTried && <PolicyEffect change={tried.change} />}
      {isApplying && (
        <ReasonDialog
          title="Apply this policy"
          verb="Apply"
          isDangerous
          onClose={() => setIsApplying(false)}
          onDo={apply}
        >
          <p>The running broker takes it at once, but for what waits for its next start.</p>
        </ReasonDialog>
      )}
    </>
  );
}
