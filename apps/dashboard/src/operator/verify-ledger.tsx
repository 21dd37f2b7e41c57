// Has the broker add the whole ledger up, when somebody asks for it.
import { useState } from 'preact/hooks';
import { get, Refused } from '../shared/api.js';
import { Pill } from '../shared/pill.js';
import type { Health } from './answers.js';
import { useMay } from './role.js';

export function VerifyLedger() {
  const [said, setSaid] = useState<{ readonly isSound: boolean; readonly text: string } | null>(null);
  const [isWorking, setIsWorking] = useState(false);
  const may = useMay('support');
  if (!may) return null;
  const verify = async (): Promise<void> => {
    setIsWorking(true);
    try {
      const { parts } = await get<Health>('/v1/admin/health?deep=true');
      const ledger = parts.find(({ part }) => part === 'ledger');
      const isSound = ledger?.state === 'ok';
      setSaid({ isSound, text: isSound ? 'the books are sound' : (ledger?.cause ?? 'not checked') });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setSaid({ isSound: false, text: error.title });
    } finally {
      setIsWorking(false);
    }
  };
  return (
    <span role="status">
      {said !== null && <Pill tone={said.isSound ? 'good' : 'bad'}>{said.text}</Pill>}{' '}
      <button type="button" class="quiet" disabled={isWorking} onClick={() => void verify()}>
        {isWorking ? 'Adding up…' : 'Verify'}
      </button>
    </span>
  );
}
