// Neighbours on the local network: messages, asking, answering, and what was fetched for the next one (SPEC §14).
export * from './address-bytes.js';
export * from './broker-way.js';
export * from './judge-answer.js';
export * from './lan-channel.js';
export * from './lan-interfaces.js';
export * from './lan-liars.js';
export * from './lan-medium.js';
export * from './lan-message.js';
export * from './lan-message-codec.js';
export * from './lan-neighbours.js';
export * from './lan-requester.js';
export * from './lan-rules.js';
export * from './lan-socket.js';
export * from './open-lan.js';
export * from './shard-shelf.js';
