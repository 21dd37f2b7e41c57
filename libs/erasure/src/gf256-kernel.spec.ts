// Tests of the WebAssembly kernel: the committed bytes are the .wat, and its sums are the field's sums.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import loadWabt from 'wabt';
import { multiply } from './gf256.js';
import { arrangePasses, combine } from './gf256-kernel.js';
import { GF256_KERNEL_WASM_BASE64 } from './gf256-kernel.wasm.js';

describe('the kernel', () => {
  it('has the bytes that its .wat assembles to', async () => {
    const wabt = await loadWabt();
    const source = readFileSync(new URL('./gf256-kernel.wat', import.meta.url), 'utf8');
    const assembled = wabt.parseWat('gf256-kernel.wat', source, { simd: true }).toBinary({});
    expect(GF256_KERNEL_WASM_BASE64).toBe(Buffer.from(assembled.buffer).toString('base64'));
  });

  it('multiplies every byte by every coefficient', () => {
    const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const rows = Array.from(allBytes, (coefficient) => Uint8Array.of(coefficient));
    const outputs = rows.map(() => new Uint8Array(256));
    combine([allBytes], arrangePasses(rows), outputs);
    outputs.forEach((output, coefficient) => {
      expect(output).toEqual(allBytes.map((element) => multiply(coefficient, element)));
    });
  });

  it('sums any rows over views at any offset, across tiles, and writes nothing else', () => {
    const shapes = fc.record({
      sources: fc.integer({ min: 1, max: 9 }),
      outputs: fc.integer({ min: 0, max: 5 }),
      lengthBytes: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 16_300, max: 33_000 })),
      shift: fc.integer({ min: 0, max: 17 }),
      seed: fc.integer({ min: 1, max: 0x7fffffff }),
    });
    fc.assert(
      fc.property(shapes, ({ sources, outputs, lengthBytes, shift, seed }) => {
        const next = byteSource(seed);
        const inputs = Array.from({ length: sources }, () =>
          Uint8Array.from({ length: lengthBytes + shift }, next).subarray(shift),
        );
        const rows = Array.from({ length: outputs }, () => Uint8Array.from({ length: sources }, next));
        const whole = rows.map(() => new Uint8Array(lengthBytes + shift + 40).fill(0xee));
        combine(
          inputs,
          arrangePasses(rows),
          whole.map((buffer) => buffer.subarray(shift, shift + lengthBytes)),
        );
        rows.forEach((row, index) => {
          const expected = new Uint8Array(lengthBytes + shift + 40).fill(0xee);
          expected.fill(0, shift, shift + lengthBytes);
          row.forEach((coefficient, source) => {
            const products = Array.from({ length: 256 }, (_, element) => multiply(coefficient, element));
            for (let t = 0; t < lengthBytes; t++) expected[shift + t]! ^= products[inputs[source]![t]!]!;
          });
          expect(Buffer.compare(whole[index]!, expected)).toBe(0);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('refuses sources, outputs or passes that do not fit each other', () => {
    const passes = arrangePasses([Uint8Array.of(1, 1)]);
    const four = (): Uint8Array => new Uint8Array(4);
    expect(() => combine([four(), new Uint8Array(5)], passes, [four()])).toThrow();
    expect(() => combine([four(), four()], passes, [new Uint8Array(3)])).toThrow();
    expect(() => combine([four()], passes, [four()])).toThrow();
    expect(() => combine([four(), four()], passes, [four(), four(), four()])).toThrow();
    expect(() => combine([], [], [])).toThrow();
    expect(() => combine([four(), four()], passes, [four()])).not.toThrow();
  });
});

/** A fixed sequence of bytes for each seed (xorshift32). */
function byteSource(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };
}
