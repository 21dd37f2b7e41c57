// Reports that the broker has not taken yet, on disk: what a client knows of its transactions survives its end.
import { strict as assert } from 'node:assert';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '#process';
import {
  isRefusal,
  ProtocolError,
  REPORT_OUTBOX_ENTRIES_MAX,
  REPORTS_PER_REQUEST_MAX,
  type Report,
  report as reportSchema,
} from '#protocol';
import type { BrokerPort } from '../ports.js';

const OWNER_ONLY = 0o600;
const NEWLINE = 0x0a;
/** At this many a sending begins by itself, off the path of whoever adds. */
const SEND_AT_ENTRIES = 256;

/**
 * An append-only file of JSON lines, emptied when all of it has been sent. Sending is idempotent at the broker, so a
 * crash between sending and emptying costs one more request.
 */
export class ReportOutbox {
  private writing: Promise<void> = Promise.resolve();
  private sending: Promise<void> | null = null;
  private refused = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly broker: BrokerPort,
    private waiting: Report[],
    private fileBytes: number,
  ) {}

  /** Open or make the file; a torn last line of an earlier crash is dropped. throws local_disk */
  static async open(path: string, broker: BrokerPort): Promise<ReportOutbox> {
    const { file, content } = await openDurably(path);
    const wholeBytes = content.length;
    const waiting: Report[] = [];
    for (const line of content.toString('utf8').split('\n')) {
      const parsed = line === '' ? null : reportSchema.safeParse(jsonOf(line));
      if (parsed?.success) waiting.push(parsed.data);
    }
    return new ReportOutbox(file, broker, waiting, wholeBytes);
  }

  get size(): number {
    return this.waiting.length;
  }

  /**
   * Receipts that the broker would not take since the start, late ones that the account cannot pay for among them: what
   * they are for does not count as stored.
   */
  get refusedReceipts(): number {
    return this.refused;
  }

  /**
   * Keep reports until the broker has them; durable when it resolves.
   *
   * throws   report_outbox_full | local_disk
   */
  async add(reports: readonly Report[]): Promise<void> {
    if (reports.length === 0) return;
    if (this.waiting.length + reports.length > REPORT_OUTBOX_ENTRIES_MAX) throw new ProtocolError('report_outbox_full');
    const lines = Buffer.from(reports.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    this.writing = this.writing.then(() => this.append(lines, reports));
    await this.writing;
    if (this.waiting.length >= SEND_AT_ENTRIES && this.sending === null) {
      // A broker that is away now is told later: the reports stay.
      this.flush().catch((error: unknown) => assert(isRefusal(error)));
    }
  }

  /** Send everything that waits; joins a sending under way. throws what the broker's answer throws */
  async flush(signal?: AbortSignal): Promise<void> {
    while (this.waiting.length > 0) {
      this.sending ??= this.sendBatch(signal).finally(() => {
        this.sending = null;
      });
      await this.sending;
    }
  }

  async close(): Promise<void> {
    // Whoever added has the error of a failed write.
    await this.writing.catch(() => undefined);
    await this.file.close();
  }

  private async append(lines: Buffer, reports: readonly Report[]): Promise<void> {
    try {
      await this.file.appendFile(lines);
      await this.file.datasync();
    } catch (cause) {
      throw new ProtocolError('local_disk', {}, { cause });
    }
    this.fileBytes += lines.length;
    this.waiting.push(...reports);
  }

  private async sendBatch(signal?: AbortSignal): Promise<void> {
    const batch = this.waiting.slice(0, REPORTS_PER_REQUEST_MAX);
    // Results say for each whether it was recorded or never will be; both mean that it need not be sent again.
    const { results } = await this.broker.sendReports({ reports: batch }, { signal });
    this.refused += batch.filter((sent, i) => sent.outcome === 'done' && results[i] !== 'recorded').length;
    this.waiting = this.waiting.slice(batch.length);
    if (this.waiting.length > 0) return;
    this.writing = this.writing.then(() => this.emptyUnlessWritten());
    await this.writing;
  }

  /** In the order of the writes: reports that were appended meanwhile are in `waiting`, and keep the file. */
  private async emptyUnlessWritten(): Promise<void> {
    if (this.waiting.length > 0 || this.fileBytes === 0) return;
    try {
      await this.file.truncate(0);
    } catch (cause) {
      throw new ProtocolError('local_disk', {}, { cause });
    }
    this.fileBytes = 0;
  }
}

/** The file, whose name is durable too, and its whole lines. */
async function openDurably(path: string): Promise<{ file: FileHandle; content: Buffer }> {
  try {
    const file = await open(path, 'a+', OWNER_ONLY);
    await syncDirectory(dirname(path));
    const content = await file.readFile();
    const wholeBytes = content.lastIndexOf(NEWLINE) + 1;
    if (wholeBytes < content.length) await file.truncate(wholeBytes);
    return { file, content: content.subarray(0, wholeBytes) };
  } catch (cause) {
    throw new ProtocolError('local_disk', { path }, { cause });
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    // A damaged line tells nothing; the transaction it was about is voided or settled by the host's word.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
