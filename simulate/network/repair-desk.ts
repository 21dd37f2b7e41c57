// What the simulated broker keeps of its repairs: who waits, which are under way, and the hosts to choose from.
import { CandidatePool } from '../../apps/server/src/placement/candidate-pool.js';
import { EventQueue } from '../engine/event-queue.js';

interface Transfer {
  readonly targets: readonly { readonly slot: number; readonly peer: number; readonly generation: number }[];
  readonly sources: number;
}

export class RepairDesk {
  /** Objects by their rank, in place of a time; an entry counts when its stamp is the object's. */
  readonly waiting = new EventQueue();
  readonly entry: Int32Array;
  readonly transfers = new Map<number, Transfer>();
  readonly retries: number[] = [];
  waitingCount = 0;
  /** When the broker saw that a repair is due; and how long the last ones took from then on. */
  readonly seenDueHours: Float64Array;
  readonly paceHours: number[] = [];
  /** When the loss came that made the repair due, in truth; NaN while none is. */
  readonly dueSinceHours: Float64Array;
  pool = new CandidatePool([]);
  poolMadeAtHours = Number.NEGATIVE_INFINITY;

  constructor(objects: number) {
    this.entry = new Int32Array(objects);
    this.seenDueHours = new Float64Array(objects).fill(Number.NaN);
    this.dueSinceHours = new Float64Array(objects).fill(Number.NaN);
  }
}
