// The typed, signed HTTP client of the broker.
export * from './broker-client.js';
export * from './broker-time.js';
export * from './call-options.js';
export * from './escrow-messages.js';
export * from './network-refresh.js';
export type { PutWish } from './redundancy-path.js';
