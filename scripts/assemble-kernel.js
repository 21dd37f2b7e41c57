// Assembles libs/erasure/src/gf256-kernel.wat into gf256-kernel.wasm.ts beside it. Run after every change of the .wat:
//   node scripts/assemble-kernel.js
import { readFileSync, writeFileSync } from 'node:fs';
import loadWabt from 'wabt';

const folder = new URL('../libs/erasure/src/', import.meta.url);
const wabt = await loadWabt();
const source = readFileSync(new URL('gf256-kernel.wat', folder), 'utf8');
const assembled = wabt.parseWat('gf256-kernel.wat', source, { simd: true }).toBinary({});

writeFileSync(
  new URL('gf256-kernel.wasm.ts', folder),
  `// The bytes of gf256-kernel.wat, assembled. Generated: change the .wat, then run \`node scripts/assemble-kernel.js\`.
export const GF256_KERNEL_WASM_BASE64 =
  '${Buffer.from(assembled.buffer).toString('base64')}';
`,
);
