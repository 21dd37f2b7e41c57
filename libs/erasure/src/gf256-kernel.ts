// Runs gf256-kernel.wat over shards of any length, in tiles that stay in the processor's cache. Memory is bounded.
import { strict as assert } from 'node:assert';
import { GF256_SIZE, multiply } from './gf256.js';
import { GF256_KERNEL_WASM_BASE64 } from './gf256-kernel.wasm.js';

export const SOURCES_MAX = 256;

/** The kernel computes this many outputs in one pass over the inputs. */
export const OUTPUTS_PER_PASS = 2;

// The memory of the kernel, as drawn in gf256-kernel.wat.
const TABLE_BYTES = 32;
const COEFFICIENTS_OFFSET = GF256_SIZE * TABLE_BYTES;
const TILES_OFFSET = COEFFICIENTS_OFFSET + SOURCES_MAX * OUTPUTS_PER_PASS;

// Larger tiles mean fewer crossings into WebAssembly, smaller ones fewer cache misses; 4, 8 and 16 KiB differ by less than
// a tenth. With all its tiles the kernel's memory (320 KiB) fits a second-level cache of 512 KiB.
const TILE_BYTES_MAX = 16 * 1024;
// Tiles are whole lines and an odd number of lines apart. At a distance of 4096 all shards would fall on the same few
// places of the first-level cache and push each other out, which costs a quarter of the speed.
const LINE_BYTES = 64;
const TILE_STEP_BYTES = 2 * LINE_BYTES;

// The compiler's libraries for Node name no WebAssembly; these are the parts in use.
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  combine(inputs: number, inOffset: number, outOffset: number, strideBytes: number, bytes: number): void;
}
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: KernelExports };
};

const kernel = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(GF256_KERNEL_WASM_BASE64, 'base64')))
  .exports;
// The kernel cannot grow its memory, so this view stays valid.
const memory = new Uint8Array(kernel.memory.buffer);
for (let coefficient = 0; coefficient < GF256_SIZE; coefficient++) {
  for (let nibble = 0; nibble < 16; nibble++) {
    memory[coefficient * TABLE_BYTES + nibble] = multiply(coefficient, nibble);
    memory[coefficient * TABLE_BYTES + 16 + nibble] = multiply(coefficient, nibble << 4);
  }
}
// Tiles stay on line boundaries, and the largest code still gets tiles worth a call.
assert(TILES_OFFSET % LINE_BYTES === 0);
assert(tileBytesFor(SOURCES_MAX) >= 1024);

/** The coefficients of one pass: source by source, a byte for each output. */
export type Pass = Uint8Array;

/**
 * Arrange rows of coefficients for `combine`. A last odd row is paired with zeros.
 *
 * rows     one per output, each with one coefficient per source
 * returns  ceil(rows / 2) passes
 */
export function arrangePasses(rows: readonly Uint8Array[]): Pass[] {
  const passes: Pass[] = [];
  for (let first = 0; first < rows.length; first += OUTPUTS_PER_PASS) {
    const pass = new Uint8Array(rows[first]!.length * OUTPUTS_PER_PASS);
    for (let output = 0; output < OUTPUTS_PER_PASS; output++) {
      rows[first + output]?.forEach((coefficient, source) => {
        pass[source * OUTPUTS_PER_PASS + output] = coefficient;
      });
    }
    passes.push(pass);
  }
  return passes;
}

/**
 * Fill each output with its linear combination of the sources, byte by byte.
 *
 * sources  1 to SOURCES_MAX, of equal length; views are fine
 * passes   from arrangePasses, for exactly these sources and outputs
 * outputs  as long as the sources, overlapping none of them
 */
export function combine(sources: readonly Uint8Array[], passes: readonly Pass[], outputs: readonly Uint8Array[]): void {
  assert(sources.length >= 1);
  assert(sources.length <= SOURCES_MAX);
  assert(passes.length === Math.ceil(outputs.length / OUTPUTS_PER_PASS));
  const lengthBytes = sources[0]!.length;
  for (const shard of sources) assert(shard.length === lengthBytes);
  for (const shard of outputs) assert(shard.length === lengthBytes);
  for (const pass of passes) assert(pass.length === sources.length * OUTPUTS_PER_PASS);

  const tileBytes = tileBytesFor(sources.length);
  const strideBytes = tileBytes + LINE_BYTES;
  const outOffset = TILES_OFFSET + sources.length * strideBytes;
  for (let start = 0; start < lengthBytes; start += tileBytes) {
    const end = Math.min(start + tileBytes, lengthBytes);
    sources.forEach((shard, index) => {
      memory.set(shard.subarray(start, end), TILES_OFFSET + index * strideBytes);
    });
    passes.forEach((pass, index) => {
      memory.set(pass, COEFFICIENTS_OFFSET);
      kernel.combine(sources.length, TILES_OFFSET, outOffset, strideBytes, end - start);
      for (let output = 0; output < OUTPUTS_PER_PASS; output++) {
        const offset = outOffset + output * strideBytes;
        outputs[index * OUTPUTS_PER_PASS + output]?.set(memory.subarray(offset, offset + end - start), start);
      }
    });
  }
}

/** The widest tile for that many sources and the outputs of one pass: whole pairs of lines, one line between tiles. */
function tileBytesFor(sources: number): number {
  const share = Math.floor((memory.length - TILES_OFFSET) / (sources + OUTPUTS_PER_PASS)) - LINE_BYTES;
  return Math.min(TILE_BYTES_MAX, share - (share % TILE_STEP_BYTES));
}
