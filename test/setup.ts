// Runs before every test file: decorators need their metadata store, and what a file leaves behind goes with it.
import 'reflect-metadata';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

// Everything that asks for the system's temporary folder, child processes too, gets one inside it.
const folder = mkdtempSync(join(tmpdir(), 'peerkeep-test-'));
// Some tests run a command as another user, who must be able to enter.
chmodSync(folder, 0o755);
process.env.TMPDIR = folder;

// Hooks end in reverse order: the ones of the file itself come before this one.
afterAll(() => rmSync(folder, { recursive: true, force: true }));
