// Credit in the simulated network: what hosts prove each day, and the movements that the broker's exchange makes of it.
import { decideCharge, earnedBytes } from '../../apps/server/src/exchange/decide-charge.js';
import { decideAllowance, decideExchange, decideHour } from '../../apps/server/src/exchange/decide-exchange.js';
import { accountOf, STANDING } from './peers.js';
import type { World } from './world.js';

const HOURS_PER_DAY = 24;
/** Accounts whose purses are kept; where there are more, each stands for several. */
const ACCOUNTS_MAX = 2_000;

/** Purses and proved bytes of some accounts, evenly spread; an account is the person behind a peer's number. */
export class CreditBook {
  readonly stride: number;
  readonly granted: bigint[] = [];
  readonly available: bigint[] = [];
  readonly withheld: bigint[] = [];
  /** Byte-hours of each day of the window, and their sums: whole numbers below 2^53. */
  readonly earnedDays: Float64Array;
  readonly withheldDays: Float64Array;
  readonly earnedSum: Float64Array;
  readonly withheldSum: Float64Array;
  day = 0;

  constructor(
    peers: number,
    readonly windowDays: number,
  ) {
    this.stride = Math.ceil(peers / ACCOUNTS_MAX);
    const accounts = Math.ceil(peers / this.stride);
    this.earnedDays = new Float64Array(accounts * windowDays);
    this.withheldDays = new Float64Array(accounts * windowDays);
    this.earnedSum = new Float64Array(accounts);
    this.withheldSum = new Float64Array(accounts);
  }
}

/** The network is not new: everybody has been granted what the first holdings are worth, and has paid for the objects. */
export function openPurses(world: World): void {
  const { credits, rules } = world;
  const paid = BigInt(Math.round(chargeOfAccount(world)));
  for (let account = 0; account < credits.earnedSum.length; account++) {
    const byteHours = provedByteHours(world, account * credits.stride);
    const first = account * credits.windowDays;
    credits.earnedDays.fill(byteHours, first, first + credits.windowDays);
    credits.earnedSum[account] = byteHours * credits.windowDays;
    const granted = decideAllowance(provedBy(credits, account), credits.windowDays).earned;
    const free = granted + BigInt(rules.policy.openingCreditBytes) - paid;
    credits.granted.push(granted);
    credits.available.push(free > 0n ? free : 0n);
    credits.withheld.push(0n);
  }
}

/** What the objects of one account cost, in bytes of credit. */
export function chargeOfAccount({ options, rules, code, shardBytes, weight }: World): number {
  const charge = decideCharge({ sizeBytes: shardBytes, ...code, ratio: rules.ratio });
  return charge * code.totalShards * options.objectsPerPeer * weight;
}

export function endDayOfCredits(world: World): void {
  const { credits } = world;
  const dayInWindow = credits.day % credits.windowDays;
  for (let account = 0; account < credits.earnedSum.length; account++) {
    proveDay(world, account, dayInWindow);
    exchange(world, account);
  }
  credits.day++;
}

/** A day leaves the window, and this one enters it. */
function proveDay(world: World, account: number, dayInWindow: number): void {
  const { credits, peers, audits } = world;
  const peer = account * credits.stride;
  const counts = decideHour({
    isReachable: true,
    isInGoodStanding: peers.standing[peer] !== STANDING.suspended && audits.verdict[peer] !== 'suspend',
    isOnProbation: peers.standing[peer] === STANDING.vetting,
  });
  const byteHours = provedByteHours(world, peer);
  const at = account * credits.windowDays + dayInWindow;
  const [earned, withheld] = [counts === 'earned' ? byteHours : 0, counts === 'withheld' ? byteHours : 0];
  credits.earnedSum[account]! += earned - credits.earnedDays[at]!;
  credits.withheldSum[account]! += withheld - credits.withheldDays[at]!;
  credits.earnedDays[at] = earned;
  credits.withheldDays[at] = withheld;
}

/** Hours in which it was away prove nothing. */
function provedByteHours({ shards, peers, rules, code, shardBytes: sizeBytes, weight }: World, peer: number): number {
  const charge = decideCharge({ sizeBytes, ...code, ratio: rules.ratio });
  const heldBytes = shards.heldBy[peer]! * earnedBytes({ sizeBytes, charge }) * weight;
  return Math.round(heldBytes * HOURS_PER_DAY * peers.uptime[peer]!);
}

function exchange(world: World, account: number): void {
  const { credits, tallies, peers } = world;
  const peer = account * credits.stride;
  const { movements, granted } = decideExchange({
    accountId: accountOf(peer),
    day: credits.day,
    allowance: decideAllowance(provedBy(credits, account), credits.windowDays),
    granted: credits.granted[account]!,
    available: credits.available[account]!,
    withheld: credits.withheld[account]!,
  });
  credits.granted[account] = granted;
  for (const { kind, amount } of movements) {
    const bytes = Number(amount) * credits.stride;
    switch (kind) {
      case 'earn':
        credits.available[account]! += amount;
        tallies.credit.earn += bytes;
        break;
      case 'vest':
        credits.withheld[account]! -= amount;
        credits.available[account]! += amount;
        tallies.credit.vest += bytes;
        break;
      case 'withhold':
        credits.withheld[account]! += amount;
        tallies.credit.withhold += bytes;
        break;
      case 'forfeit':
        credits.withheld[account]! -= amount;
        tallies.credit.forfeit += bytes;
        break;
      case 'lapse':
        credits.available[account]! -= amount;
        tallies.credit.lapse += bytes;
        break;
      default:
        throw new Error(`the exchange made a movement that the simulator does not know: ${kind}`);
    }
    if (peers.isFreeRider[peer] === 1 && (kind === 'earn' || kind === 'vest')) tallies.credit.toFreeRiders += bytes;
  }
}

function provedBy(credits: CreditBook, account: number): { earnedByteHours: bigint; withheldByteHours: bigint } {
  return {
    earnedByteHours: BigInt(credits.earnedSum[account]!),
    withheldByteHours: BigInt(credits.withheldSum[account]!),
  };
}
