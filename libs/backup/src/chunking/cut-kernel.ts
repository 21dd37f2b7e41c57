// A buffer whose chunk boundaries are found by cut-kernel.wat: the same as findChunkEnd's, several times as fast.
import { strict as assert } from 'node:assert';
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_BYTES_TURN } from '../limits.js';
import { CUT_KERNEL_WASM_BASE64 } from './cut-kernel.wasm.js';
import { FREQUENT_BITS, type GearTable, RARE_BITS, WINDOW_BYTES } from './fastcdc.js';

// The memory of the kernel, as drawn in cut-kernel.wat.
const BYTES_OFFSET = 1024;
const PAGE_BYTES = 64 * 1024;

// A hash whose highest bits are zero is one below these.
const RARE_LIMIT = 2 ** (32 - RARE_BITS);
const FREQUENT_LIMIT = 2 ** (32 - FREQUENT_BITS);

// The kernel looks back this far from the first place where a chunk may end.
assert(CHUNK_BYTES_MIN >= WINDOW_BYTES);

// The compiler's libraries for Node name no WebAssembly; these are the parts in use.
interface KernelMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly kernel: { readonly memory: KernelMemory } },
  ) => { readonly exports: { find(from: number, to: number, limit: number): number } };
};

const kernel = new WebAssembly.Module(Buffer.from(CUT_KERNEL_WASM_BASE64, 'base64'));

export class CutBuffer {
  /** Whoever has bytes to cut puts them here. */
  readonly bytes: Buffer;
  private readonly find: (from: number, to: number, limit: number) => number;

  /** `sizeBytes` of memory for as long as this is there. */
  constructor(gear: GearTable, sizeBytes: number) {
    const pages = Math.ceil((BYTES_OFFSET + sizeBytes) / PAGE_BYTES);
    // It cannot grow, so the views stay valid.
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const table = new DataView(memory.buffer);
    for (const [value, word] of gear.entries()) table.setInt32(4 * value, word, true);
    this.bytes = Buffer.from(memory.buffer, BYTES_OFFSET, sizeBytes);
    this.find = new WebAssembly.Instance(kernel, { kernel: { memory } }).exports.find;
  }

  /** As findChunkEnd over `bytes`. */
  findChunkEnd(start: number, end: number): number {
    assert(start >= 0 && start <= end && end <= this.bytes.length);
    if (end - start <= CHUNK_BYTES_MIN) return end;
    const last = Math.min(end, start + CHUNK_BYTES_MAX) - 1;
    const turn = Math.min(last, start + CHUNK_BYTES_TURN - 1);
    const rare = this.firstBelow(RARE_LIMIT, start + CHUNK_BYTES_MIN - 1, turn);
    return rare ?? this.firstBelow(FREQUENT_LIMIT, turn, last) ?? last + 1;
  }

  /** The position after the first byte in from .. to-1 whose hash is below the limit. */
  private firstBelow(limit: number, from: number, to: number): number | null {
    const found = this.find(BYTES_OFFSET + from, BYTES_OFFSET + to, limit);
    return found === 0 ? null : found - BYTES_OFFSET;
  }
}
