// node run-typescript.js FILE ARGUMENT...: runs a TypeScript program of this repository as a process of its own, for tests.
import { runnerImport } from 'vite';

process.argv.splice(1, 1);
await runnerImport(process.argv[1], { logLevel: 'error' });
