// Has the broker go through its whole admin log, when somebody asks for it.
import { useState } from 'preact/hooks';
import { get, Refused } from '../shared/api.js';
import { formatCount } from '../shared/format.js';
import { Pill } from '../shared/pill.js';
import { useMay } from './role.js';

interface CheckedLog {
  readonly entries: number;
  readonly head: string;
  readonly faults: readonly string[];
}

export function CheckLog() {
  const [said, setSaid] = useState<{ readonly isSound: boolean; readonly text: string } | null>(null);
  const may = useMay('support');
  if (!may) return null;
  const check = async (): Promise<void> => {
    try {
      const { entries, head, faults } = await get<CheckedLog>('/v1/admin/log/check');
      const text = faults.length === 0 ? `${formatCount(entries)} entries hold; head ${head}` : faults.join('; ');
      setSaid({ isSound: faults.length === 0, text });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setSaid({ isSound: false, text: error.title });
    }
  };
  return (
    <span role="status">
      {said !== null && <Pill tone={said.isSound ? 'good' : 'bad'}>{said.text}</Pill>}{' '}
      <button type="button" class="quiet" onClick={() => void check()}>
        Check it
      </button>
    </span>
  );
}
