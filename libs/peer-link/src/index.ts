// How any process reaches a peer: mutual TLS to exactly that peer, one shard an exchange.
export * from './peer-link.js';
