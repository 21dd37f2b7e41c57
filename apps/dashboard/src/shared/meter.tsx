// How much of something is used: a bar, and the same in words.
import { formatBytes, formatShare } from './format.js';

interface MeterParts {
  readonly label: string;
  readonly used: number;
  readonly total: number;
}

export function Meter({ label, used, total }: MeterParts) {
  const share = total > 0 ? Math.min(1, used / total) : 0;
  return (
    <div class="meter">
      <meter aria-label={label} min={0} max={1} low={0.75} high={0.9} optimum={0} value={share} />
      <span>
        {formatBytes(used)} of {formatBytes(total)} <span class="fine">({formatShare(share)})</span>
      </span>
    </div>
  );
}
