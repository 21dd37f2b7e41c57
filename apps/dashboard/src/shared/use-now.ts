// The moment, for texts like "3 minutes ago": moves on by itself, and not oftener than anybody reads.
import { useEffect, useState } from 'preact/hooks';

export function useNow(everyMs = 5_000): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
