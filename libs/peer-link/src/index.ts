// How any process reaches a peer: mutual TLS to exactly that peer, one shard an exchange.

export type { Dial } from '#peer-home';
export * from './ask-host.js';
export type * from './batch-options.js';
export type { LinkIdentity } from './host-connections.js';
export * from './peer-link.js';
export type { GetRangeOptions, GetRangeResult } from './range-reception.js';
