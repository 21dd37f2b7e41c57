// Runs a restore of a snapshot in memory into a folder of its own, and tells what it did.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FakeClock } from '#process';
import { freshFolder } from '../../files/testing-folders.js';
import type { EngineEvent, EntryEvent } from '../../ports.js';
import type { RestoreOrder, RestoreSummary } from '../restore-parts.js';
import { runRestore } from '../run-restore.js';
import type { StoredSnapshot } from './stored-snapshot.js';

export class RestoreBench {
  readonly folder = freshFolder();
  events: EngineEvent[] = [];
  /** Called in the middle of the restore, when an entry has got its place. */
  onEntry: (event: EntryEvent) => unknown = () => undefined;
  readonly home = this.at('home');

  constructor() {
    mkdirSync(this.home);
  }

  at(...names: string[]): string {
    return join(this.folder.path, ...names);
  }

  get target(): string {
    return this.at('target');
  }

  async restore(
    stored: StoredSnapshot,
    order: Partial<RestoreOrder> = {},
    signal = new AbortController().signal,
  ): Promise<RestoreSummary> {
    this.events = [];
    const { keys, trees, objects, snapshot } = stored;
    const fetcher = { fetched: { lan: 0, direct: 0, relay: 0 } };
    const parts = { keys, trees, objects, badHosts: new Map(), fetcher, clock: new FakeClock(0), folder: this.home };
    const onEvent = (event: EngineEvent): void => {
      this.events.push(event);
      if (event.kind === 'entry') this.onEntry(event);
    };
    return runRestore(parts, { target: this.target, includes: [], ...order, snapshot, signal, onEvent });
  }

  /** Path and code of what could not be restored. */
  get failures(): string[] {
    return this.events.flatMap((event) => (event.kind === 'skipped' ? [`${event.path} ${event.code}`] : []));
  }

  /** What became of the entries: `deleted a/b`. */
  get actions(): string[] {
    return this.events.flatMap((event) => (event.kind === 'entry' ? [`${event.action} ${event.path}`] : []));
  }

  remove(): void {
    this.folder.remove();
  }
}
