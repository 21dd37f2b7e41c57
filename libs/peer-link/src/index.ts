// How any process reaches a peer: mutual TLS to exactly that peer, one shard an exchange.

export type { Dial } from '#peer-home';
export * from './ask-host.js';
export { Bandwidth, type Bandwidths, type RateLimit, unlimited } from './bandwidth.js';
export type * from './batch-options.js';
export type { LinkIdentity } from './host-connections.js';
export { BYTES_PER_SECOND_LIMIT_MIN } from './limits.js';
export * from './peer-link.js';
export type { GetRangeOptions, GetRangeResult } from './range-reception.js';
