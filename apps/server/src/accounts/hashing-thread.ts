// Argon2id in one thread of its own: never on the event loop, nor in the pool that files and DNS share (trap 12).
import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { ProtocolError } from '#protocol';
import { PASSWORDS_WAITING_MAX } from '../limits.js';
import { type Argon2Parameters, HASH_BYTES } from './password-phc.js';

export interface HashingJob {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly parameters: Argon2Parameters;
}

interface Answered {
  readonly hash?: Uint8Array;
  readonly fault?: unknown;
}

interface Waiting {
  readonly job: HashingJob;
  readonly resolve: (hash: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export class HashingThread {
  private worker: Worker | null = null;
  private readonly waiting: Waiting[] = [];
  private running: Waiting | null = null;
  private jobCount = 0;

  /** Jobs taken so far: how tests see that a known and an unknown account cost the same. */
  get jobs(): number {
    return this.jobCount;
  }

  /** The 32-byte hash. throws overloaded when too many wait */
  async hash(job: HashingJob): Promise<Uint8Array> {
    if (this.waiting.length >= PASSWORDS_WAITING_MAX) throw new ProtocolError('overloaded', { retryAfterSeconds: 5 });
    this.jobCount++;
    return new Promise((resolve, reject) => {
      this.waiting.push({ job, resolve, reject });
      this.next();
    });
  }

  /** Whoever waits is told `stopping`. */
  async close(): Promise<void> {
    const { worker } = this;
    this.fail(new ProtocolError('stopping'));
    await worker?.terminate();
  }

  private next(): void {
    if (this.running !== null) return;
    this.running = this.waiting.shift() ?? null;
    if (this.running === null) return;
    this.worker ??= this.startWorker();
    this.worker.postMessage(this.running.job);
  }

  private startWorker(): Worker {
    const library = createRequire(import.meta.url).resolve('hash-wasm');
    const worker = new Worker(`(${hashInThread.toString()})(require)`, {
      eval: true,
      workerData: { library, hashBytes: HASH_BYTES },
    });
    worker.unref();
    worker.on('message', ({ hash, fault }: Answered) => {
      // An answer that was on its way when the thread was ended: whoever waited has been told.
      if (this.worker !== worker) return;
      const { running } = this;
      assert(running !== null, 'one answer a job');
      this.running = null;
      if (hash === undefined) running.reject(fault);
      else running.resolve(hash);
      this.next();
    });
    // A thread that died takes with it whoever waited for it; the next job starts another.
    worker.on('error', (error) => this.fail(error));
    return worker;
  }

  private fail(error: unknown): void {
    this.worker = null;
    const failed = this.running === null ? this.waiting.splice(0) : [this.running, ...this.waiting.splice(0)];
    this.running = null;
    for (const { reject } of failed) reject(error);
  }
}

/**
 * What runs in the thread, sent there as text: it uses nothing but its parameter. A file of its own would have to be
 * compiled wherever it is started from, in tests as well.
 */
function hashInThread(load: (name: string) => unknown): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof import('node:worker_threads');
  const { library, hashBytes } = workerData as { library: string; hashBytes: number };
  const { argon2id } = load(library) as typeof import('hash-wasm');
  parentPort!.on('message', ({ password, salt, parameters }: HashingJob) => {
    argon2id({
      password,
      salt,
      memorySize: parameters.memoryKib,
      iterations: parameters.passes,
      parallelism: parameters.lanes,
      hashLength: hashBytes,
      outputType: 'binary',
    }).then(
      (hash) => parentPort!.postMessage({ hash }),
      (fault: unknown) => parentPort!.postMessage({ fault }),
    );
  });
}
