// Which page of a console is shown: its address tells, so that links, the back button and bookmarks work.
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** `peers` of /console/peers/ID; empty on /console. */
  readonly page: string;
  readonly id: string | null;
  readonly query: Readonly<Record<string, string>>;
}

export function routeOf(url: Pick<URL, 'pathname' | 'search'>): Route {
  const [, , page = '', id] = url.pathname.split('/');
  return {
    page,
    id: id === undefined || id === '' ? null : decodeURIComponent(id),
    query: Object.fromEntries(new URLSearchParams(url.search)),
  };
}

const listeners = new Set<() => void>();

/** instead: the entry in the history is replaced, as for what is typed into a filter */
export function navigate(path: string, { instead = false } = {}): void {
  if (instead) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  for (const listener of listeners) listener();
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(new URL(location.href)));
  useEffect(() => {
    const changed = (): void => setRoute(routeOf(new URL(location.href)));
    listeners.add(changed);
    addEventListener('popstate', changed);
    return () => {
      listeners.delete(changed);
      removeEventListener('popstate', changed);
    };
  }, []);
  return route;
}

/** Change one filter of the page that is shown. */
export function setQuery(name: string, value: string): void {
  const url = new URL(location.href);
  if (value === '') url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  navigate(url.pathname + url.search, { instead: true });
}
