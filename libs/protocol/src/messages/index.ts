// One strict schema per message: it is the DTO, the type and the document.
export * from './enrolment.js';
export * from './fields.js';
export * from './presence.js';
export * from './problem.js';
export * from './transactions.js';
