// How any process reaches a peer: mutual TLS to exactly that peer, one shard an exchange.

export type { Dial } from '#peer-home';
export * from './ask-host.js';
export { Bandwidth, type Bandwidths, type RateLimit, unlimited } from './bandwidth.js';
export type * from './batch-options.js';
export type { LinkIdentity } from './host-connections.js';
export * from './lan/index.js';
export {
  BULK_CONNECTIONS_MAX,
  BYTES_PER_SECOND_LIMIT_MIN,
  PING_NOTICED_MS,
  REACH_ANSWER_MS_MAX,
  RELAY_ANSWER_MS_MAX,
  RELAY_BODY_BYTES_MAX,
  RELAY_CONNECTIONS_MAX,
  STREAMS_PER_CONNECTION_MAX,
} from './limits.js';
export * from './peer-link.js';
export type { GetRangeOptions, GetRangeResult } from './range-reception.js';
export type { Way, WayReason } from './reach/decide-way.js';
export type { LanWay, WayInUse } from './reach/host-ways.js';
export * from './relay/index.js';
