// Every program tells its name and the version of the package.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from './run-command.js';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  version: string;
};

it.each(['peerkeep', 'peerkeep-agent', 'peerkeep-server'] as const)('%s --version', async (program) => {
  expect(await runCommand(program, ['--version'])).toEqual({ code: 0, stdout: `${program} ${version}\n`, stderr: '' });
});
