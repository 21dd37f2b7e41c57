// Loaded into the broker's process by the bench: one byte in a file for each request that comes in.
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';

/** Names the file; processes without it count nothing. */
export const REQUEST_COUNT_FILE = 'BENCH_REQUEST_COUNT_FILE';

const file = process.env[REQUEST_COUNT_FILE];
if (file !== undefined) subscribe('http.server.request.start', () => appendFileSync(file, '.'));
