// Ways through relays: what clients, peers and relays share of them.
export * from './keep-alive.js';
export * from './relay-dialer.js';
export * from './windows.js';
export * from './wire.js';
