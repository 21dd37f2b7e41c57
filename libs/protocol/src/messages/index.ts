// One strict schema per message: it is the DTO, the type and the document.
export * from './credit.js';
export * from './device-authorization.js';
export * from './enrolment.js';
export * from './escrow.js';
export * from './fields.js';
export * from './groups.js';
export * from './host-answers.js';
export * from './hosts.js';
export * from './keep-filter.js';
export * from './losses.js';
export * from './peers.js';
export * from './presence.js';
export * from './problem.js';
export * from './redundancy.js';
export * from './repairs.js';
export * from './transactions.js';
