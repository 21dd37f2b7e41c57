// What a program tells Prometheus of itself.
export * from './metrics-book.js';
export * from './serve-metrics.js';
