// Which operation a refused request was about, by its route; null for requests that begin or report nothing. Pure.
import type { RefusedOp } from './peer-failures.js';

const OPS: ReadonlyMap<string, RefusedOp> = new Map([
  ['/v1/puts', 'put'],
  ['/v1/gets', 'get'],
  ['/v1/lan-gets', 'get'],
  ['/v1/streams', 'stream'],
  ['/v1/deletes', 'delete'],
  ['/v1/universals', 'universal'],
  ['/v1/offline-gets', 'offline'],
  ['/v1/group-transactions', 'group'],
  ['/v1/reports', 'report'],
]);

/** url: path and query, as requested */
export function refusedOp(url: string): RefusedOp | null {
  return OPS.get(url.split('?')[0]!) ?? null;
}
