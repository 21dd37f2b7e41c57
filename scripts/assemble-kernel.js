// Assembles each WebAssembly kernel (.wat) into the .wasm.ts beside it. Run after every change of a .wat:
//   node scripts/assemble-kernel.js
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import loadWabt from 'wabt';

const KERNELS = ['libs/erasure/src/gf256-kernel', 'libs/backup/src/chunking/cut-kernel'];

const wabt = await loadWabt();
for (const kernel of KERNELS) {
  const wat = new URL(`../${kernel}.wat`, import.meta.url);
  const name = basename(kernel);
  const assembled = wabt.parseWat(`${name}.wat`, readFileSync(wat, 'utf8'), { simd: true }).toBinary({});
  writeFileSync(
    new URL(`../${kernel}.wasm.ts`, import.meta.url),
    `// The bytes of ${name}.wat, assembled. Generated: change the .wat, then run \`node scripts/assemble-kernel.js\`.
export const ${name.toUpperCase().replaceAll('-', '_')}_WASM_BASE64 =
  '${Buffer.from(assembled.buffer).toString('base64')}';
`,
  );
}
