// Data of a page: asked for at once, and again every few seconds while somebody looks; what was told last stays shown.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, Refused } from './api.js';

export interface Loaded<T> {
  /** Null before the first answer. */
  readonly data: T | null;
  /** Why the last question had no answer; null when it had. */
  readonly refusal: Refused | null;
  /** Unix ms of the answer that is shown. */
  readonly loadedAtMs: number | null;
  readonly reload: () => Promise<void>;
}

export const LIVE_EVERY_MS = 5_000;

/** path   null: there is nothing to ask yet */
export function useData<T>(path: string | null, everyMs: number | null = LIVE_EVERY_MS): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'> & { readonly of: string | null }>(nothing);
  const latest = useRef(0);
  const load = useCallback(
    async (signal?: AbortSignal) => {
      if (path === null) return;
      const turn = ++latest.current;
      try {
        const data = await get<T>(path, signal);
        if (turn === latest.current) setState({ data, refusal: null, loadedAtMs: Date.now(), of: path });
      } catch (error) {
        if (signal?.aborted === true || turn !== latest.current) return;
        if (!(error instanceof Refused)) throw error;
        setState((before) => ({ ...(before.of === path ? before : nothing), refusal: error, of: path }));
      }
    },
    [path],
  );
  useEffect(() => {
    const leaving = new AbortController();
    void load(leaving.signal);
    if (everyMs === null) return () => leaving.abort();
    const again = (): void => {
      if (document.visibilityState === 'visible') void load(leaving.signal);
    };
    const timer = setInterval(again, everyMs);
    document.addEventListener('visibilitychange', again);
    return () => {
      leaving.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', again);
    };
  }, [load, everyMs]);
  const { of, ...shown } = state;
  // What belongs to another address is not shown under this one.
  return { ...(of === path ? shown : nothing), reload: load };
}

const nothing = { data: null, refusal: null, loadedAtMs: null, of: null };
