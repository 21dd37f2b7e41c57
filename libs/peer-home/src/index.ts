// A peer's home folder, its identity, how it enrols, and how it knows the broker and other peers by their certificates.
export * from './certificate-identity.js';
export * from './check-issued-certificate.js';
export * from './decide-renewal.js';
export * from './default-home.js';
export * from './enrol-by-approval.js';
export * from './enrol-here.js';
export * from './enrol-peer.js';
export * from './home-key.js';
export * from './http-pool.js';
export * from './make-identity.js';
export { type LanEpochKey, NetworkFacts } from './network-facts.js';
export * from './peer-home.js';
export * from './read-enrolment-key.js';
export * from './trusted-connection.js';
export * from './wait-for.js';
