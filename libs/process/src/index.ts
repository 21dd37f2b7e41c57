// What every program of ours needs from its process: time, loops, logs, bounds, durable files.
export * from './bounded-pool.js';
export * from './clock.js';
export * from './command-line.js';
export * from './durable-file.js';
export * from './log.js';
export * from './pause.js';
export * from './periodic.js';
export * from './post-webhook.js';
export * from './secret-file.js';
export * from './version.js';
export * from './webhook-url.js';
