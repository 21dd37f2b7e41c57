// The public face of the protocol: words, bytes, limits, error codes, schemas and cryptography. Pure; see SPEC.md.
export * from './bytes.js';
export * from './errors.js';
export * from './ids.js';
export * from './limits.js';
export * from './time.js';
