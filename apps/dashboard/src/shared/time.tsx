// A time: in the zone of the reader, or how long ago; exact and in UTC for whoever points at it.
import { formatAge, formatTime, formatUtc } from './format.js';
import { useNow } from './use-now.js';

export function Time({ at }: { readonly at: string | null }) {
  if (at === null) return <span class="fine">never</span>;
  const atMs = Date.parse(at);
  return (
    <time dateTime={at} title={formatUtc(atMs)}>
      {formatTime(atMs)}
    </time>
  );
}

export function Age({ at }: { readonly at: string | null }) {
  const nowMs = useNow();
  if (at === null) return <span class="fine">never</span>;
  const atMs = Date.parse(at);
  return (
    <time dateTime={at} title={`${formatUtc(atMs)} – ${formatTime(atMs)}`}>
      {formatAge(atMs, nowMs)}
    </time>
  );
}
