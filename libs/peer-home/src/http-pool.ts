// undici's pool of connections without the rest of undici: fetch, caches, sockets and mocks take longer to load than a
// short command runs. Beside undici's index.js of the version in package.json; both may be loaded by one process.
import { createRequire } from 'node:module';
import type { Dispatcher, Pool as UndiciPool, errors as undiciErrors } from 'undici';

const load = createRequire(import.meta.url);

export const Pool: typeof UndiciPool = load('undici/lib/dispatcher/pool.js');
export type Pool = UndiciPool;
export const errors: typeof undiciErrors = load('undici/lib/core/errors.js');

// index.js gives every dispatcher all of undici's calls; these are the ones in use.
const api: Pick<Dispatcher, 'request'> = { request: load('undici/lib/api/api-request.js') };
Object.assign((load('undici/lib/dispatcher/dispatcher.js') as { prototype: object }).prototype, api);
