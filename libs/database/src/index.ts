// The database as the apps see it: one queue for every write, a connection that only reads, and a few statements' helpers.
export * from './exclusive-use.js';
export * from './joined-writes.js';
export { WRITE_UNITS_PENDING_MAX } from './limits.js';
export * from './open-database.js';
export * from './statements.js';
export * from './write-queue.js';
