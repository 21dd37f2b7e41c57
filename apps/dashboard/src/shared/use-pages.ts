// A list that is read page by page: the first one live, the next ones when they are asked for.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { get, Refused } from './api.js';
import { useData } from './use-data.js';

export interface PageAnswer<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Listed<T> {
  readonly items: readonly T[] | null;
  readonly refusal: Refused | null;
  readonly loadedAtMs: number | null;
  readonly hasMore: boolean;
  readonly more: () => Promise<void>;
  readonly reload: () => Promise<void>;
}

/** path   with its filters and its limit, without `after` */
export function usePages<T>(path: string, everyMs: number | null = 15_000): Listed<T> {
  const first = useData<PageAnswer<T>>(path, everyMs);
  const [rest, setRest] = useState<{ readonly of: string; readonly page: PageAnswer<T> } | null>(null);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  useEffect(() => setRest((before) => (before?.of === path ? before : null)), [path]);
  const own = rest?.of === path ? rest.page : null;
  const next = own === null ? (first.data?.next ?? null) : own.next;
  const more = useCallback(async () => {
    if (next === null) return;
    try {
      const page = await get<PageAnswer<T>>(
        `${path}${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(next)}`,
      );
      setRest({ of: path, page: { items: [...(own?.items ?? []), ...page.items], next: page.next } });
      setRefusal(null);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error);
    }
  }, [path, next, own]);
  const reload = useCallback(async () => {
    setRest(null);
    await first.reload();
  }, [first.reload]);
  return {
    items: first.data === null ? null : [...first.data.items, ...(own?.items ?? [])],
    refusal: refusal ?? first.refusal,
    loadedAtMs: first.loadedAtMs,
    hasMore: next !== null,
    more,
    reload,
  };
}
