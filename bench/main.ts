// `npm run bench -- tokens|coding|backup|broker|agent|steps|rebuild|placement|relay`: runs one measurement and prints its figures as one JSON document on stdout.
import { strict as assert } from 'node:assert';
import { pathToFileURL } from 'node:url';

/** Each measurement is a file of this folder, loaded only when it is asked for, and the function that it exports. */
const BENCHES = {
  tokens: 'benchTokens',
  coding: 'benchCoding',
  backup: 'benchBackup',
  broker: 'benchBroker',
  agent: 'benchAgent',
  steps: 'benchSteps',
  rebuild: 'benchRebuild',
  placement: 'benchPlacement',
  relay: 'benchRelay',
} as const;
type BenchName = keyof typeof BENCHES;

export function isBenchName(text: string | undefined): text is BenchName {
  return text !== undefined && Object.hasOwn(BENCHES, text);
}

export async function runBench(name: BenchName): Promise<object> {
  const file: Record<string, unknown> = await import(`./${name}.js`);
  const run = file[BENCHES[name]];
  assert(typeof run === 'function');
  return (await run()) as object;
}

async function main(name: string | undefined): Promise<void> {
  if (!isBenchName(name)) {
    process.stderr.write(`bench: name one of ${Object.keys(BENCHES).join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  process.stdout.write(`${JSON.stringify(await runBench(name), null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv[2]);
