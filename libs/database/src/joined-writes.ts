// Requests of one kind that arrive together are written together: a few statements for all of them, not for each.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { ProtocolError } from '#protocol';
import type { WriteUnit } from './write-queue.js';

/** How one request of several came out. */
export type Outcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: unknown };

export interface JoinedWritesOptions<Request, Result> {
  readonly write: <T>(unit: WriteUnit<T>) => Promise<T>;
  /**
   * Write these requests in one unit; one outcome each, in order. What it throws undoes the whole unit: then each of
   * several requests is written again, alone.
   */
  readonly together: (db: EntityManager, requests: readonly Request[]) => Promise<readonly Outcome<Result>[]>;
  readonly togetherMax: number;
  /** Requests that may wait; past it the caller is refused. */
  readonly waitingMax: number;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class JoinedWrites<Request, Result> {
  private readonly waiting: Waiting<Request, Result>[] = [];
  private asked = false;

  constructor(private readonly options: JoinedWritesOptions<Request, Result>) {}

  /**
   * Resolves when what the request wrote is durable.
   *
   * throws   its own refusal; overloaded when waitingMax requests wait; what the write queue throws
   */
  run(request: Request): Promise<Result> {
    if (this.waiting.length >= this.options.waitingMax) return Promise.reject(new ProtocolError('overloaded'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      this.askForUnit();
    });
  }

  private askForUnit(): void {
    if (this.asked) return;
    this.asked = true;
    void this.writeSome().finally(() => {
      if (this.waiting.length > 0) this.askForUnit();
    });
  }

  /** Who waits is decided when the unit's turn has come: those that arrived while the one before was committed join it. */
  private async writeSome(): Promise<void> {
    let taken: Waiting<Request, Result>[] = [];
    try {
      const outcomes = await this.options.write((db) => {
        this.asked = false;
        taken = this.waiting.splice(0, this.options.togetherMax);
        return this.together(db, taken);
      });
      for (const [i, waiting] of taken.entries()) tell(waiting, outcomes[i]!);
    } catch (error) {
      if (taken.length === 0) {
        // The unit never ran: nobody was taken, and all who wait are told; alone they would fare no better. After one
        // that ran, the next may be asked for already, and a further one would find nobody.
        this.asked = false;
        for (const waiting of this.waiting.splice(0)) waiting.reject(error);
      } else if (taken.length === 1) taken[0]!.reject(error);
      else await Promise.all(taken.map((waiting) => this.writeAlone(waiting)));
    }
  }

  private async writeAlone(waiting: Waiting<Request, Result>): Promise<void> {
    try {
      const [outcome] = await this.options.write((db) => this.together(db, [waiting]));
      tell(waiting, outcome!);
    } catch (error) {
      waiting.reject(error);
    }
  }

  private async together(
    db: EntityManager,
    taken: readonly Waiting<Request, Result>[],
  ): Promise<readonly Outcome<Result>[]> {
    const outcomes = await this.options.together(
      db,
      taken.map(({ request }) => request),
    );
    assert.equal(outcomes.length, taken.length);
    return outcomes;
  }
}

function tell<Request, Result>({ resolve, reject }: Waiting<Request, Result>, outcome: Outcome<Result>): void {
  if (outcome.ok) resolve(outcome.result);
  else reject(outcome.error);
}
