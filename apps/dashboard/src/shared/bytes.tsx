// A number of bytes: short, and exact for whoever points at it.
import { formatBytes, formatExactBytes } from './format.js';

export function Bytes({ of }: { readonly of: number | string | null }) {
  if (of === null) return <span class="fine">–</span>;
  return <span title={formatExactBytes(of)}>{formatBytes(of)}</span>;
}
