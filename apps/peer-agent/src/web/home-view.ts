// Looks into the snapshots of this very home, where it has a master key: the engine is opened with the first look, held while
// somebody reads, and closed a while after, so that `peerkeep` commands find the home free.
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { BackupEngine, type BackupView } from '#backup';
import { type ExclusiveUse, takeExclusiveUse } from '#database';
import { PeerHome } from '#peer-home';
import { Clock, Log } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import { VIEW_IDLE_MS } from './limits.js';

/** Something to read with, until `release`. */
export interface HeldView {
  readonly view: BackupView;
  /** Raised when the agent ends. */
  readonly signal: AbortSignal;
  release(): void;
}

interface OpenView {
  readonly view: BackupView;
  readonly engine: BackupEngine;
  readonly lock: ExclusiveUse;
}

@Injectable()
export class HomeView {
  private readonly stop = new AbortController();
  private opening: Promise<OpenView> | null = null;
  private holders = 0;
  private cancelClose: () => void = () => undefined;
  private closing: Promise<void> = Promise.resolve();

  constructor(
    private readonly home: PeerHome,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  hasSnapshots(): Promise<boolean> {
    return this.home.hasMasterKey();
  }

  /** throws master_key_missing | home_in_use | broker_unreachable | interrupted | ... */
  async hold(): Promise<HeldView> {
    this.cancelClose();
    this.holders++;
    try {
      const { view } = await this.opened();
      const release = await reading(view, () => this.letGo());
      return { view, signal: this.stop.signal, release };
    } catch (error) {
      this.letGo();
      throw error;
    }
  }

  /** Ends every look, and closes. */
  async close(): Promise<void> {
    this.stop.abort(new ProtocolError('interrupted'));
    this.cancelClose();
    await this.shut();
  }

  private opened(): Promise<OpenView> {
    this.opening ??= this.closing.then(() => this.open());
    this.opening.catch(() => {
      this.opening = null;
    });
    return this.opening;
  }

  private async open(): Promise<OpenView> {
    const { home, clock, log } = this;
    this.stop.signal.throwIfAborted();
    const lock = await takeExclusiveUse(join(home.path, 'client.lock')).catch((error: unknown) => {
      throw isRefusal(error, 'data_dir_in_use') ? new ProtocolError('home_in_use', {}, { cause: error }) : error;
    });
    try {
      const engine = await BackupEngine.open({ home, clock, log });
      try {
        const onEvent = () => undefined;
        return { lock, engine, view: await engine.view({ signal: this.stop.signal, onEvent }) };
      } catch (error) {
        await engine.close();
        throw error;
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private letGo(): void {
    this.holders--;
    if (this.holders > 0) return;
    this.cancelClose = this.clock.schedule(VIEW_IDLE_MS, () => void this.shut());
  }

  private shut(): Promise<void> {
    const { opening } = this;
    if (opening === null) return this.closing;
    this.opening = null;
    this.closing = opening
      .then(
        async ({ engine, lock }) => {
          try {
            await engine.close();
          } finally {
            await lock.release();
          }
        },
        // Whoever asked for it has heard why it was not opened.
        () => undefined,
      )
      .catch((error: unknown) => this.log.error({ event: 'view_not_closed', err: error }));
    return this.closing;
  }
}

/** Holds the view as it is, until what it returns is called; once is enough. */
function reading(view: BackupView, ended: () => void): Promise<() => void> {
  return new Promise((resolve, reject) => {
    view
      .reading(
        () =>
          new Promise<void>((done) => {
            resolve(done);
          }),
      )
      .then(ended, reject);
  });
}
