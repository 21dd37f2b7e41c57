// One round of puts through the whole chain, step after step: what comes out of a step goes into the next one.
import { randomBytes } from 'node:crypto';
import { sealToken } from '#protocol';
import { askForTokens, putOf, settle } from './at-broker.js';
import { checkReceipts, keep, verifyTokens } from './at-host.js';
import type { OpenBroker } from './broker-parts.js';
import type { OpenHost } from './host-parts.js';
import { type Cost, timeEach, without } from './stopwatch.js';

/** The rows of the table, in the order of the chain. */
export const STEPS = {
  sign: ['ask', 'client signs the request (RFC 9421)'],
  authenticate: ['ask', 'broker verifies the request, takes its nonce, parses it'],
  decide: ['decide', 'broker places the shard and commits its rows: object, shard, transaction, ledger'],
  seal: ['token', 'broker seals the token'],
  verify: ['verify', 'host verifies the token'],
  claim: ['claim', 'host takes the token, in memory'],
  store: ['do', 'host hashes and writes the shard, syncs it, renames it, syncs the folder'],
  signReceipt: ['receipt', 'host signs the receipt (ES256)'],
  burn: ['claim', 'host burns the token, with shard row, receipt and report in one commit'],
  checkReceipt: ['receipt', 'client checks the receipt (ES256)'],
  settleHost: ['settle', 'broker checks the report of the host, posts it and commits'],
  settleClient: ['settle', 'broker checks the report of the client and commits'],
} as const;
export type Step = keyof typeof STEPS;
export type Costs = Readonly<Record<Step, Cost>>;

export interface RoundSize {
  readonly shardBytes: number;
  readonly puts: number;
  /** Puts under way at a time in the steps that wait for the disk, and reports in a message. Divides `puts`. */
  readonly atOnce: number;
}

/** Throws what a step refuses with. */
export async function runPuts(broker: OpenBroker, host: OpenHost, size: RoundSize): Promise<Costs> {
  const { atOnce } = size;
  const shards = Array.from({ length: size.puts }, () => randomBytes(size.shardBytes));
  const { tokens, sign, authenticate, begin } = await askForTokens(broker, shards.map(putOf), atOnce);
  const verified = verifyTokens(broker, host, tokens);
  // The same claims once more: what of beginning a put was sealing.
  const sealed = timeEach(verified.results, (claims) => sealToken(broker.host.transactionKey, claims, randomBytes(32)));
  const kept = await keep(host, verified.results, { shards, atOnce });
  const checked = checkReceipts(broker, verified.results, kept.receipts);
  const settled = await settle(broker, kept.receipts, atOnce);
  return {
    sign,
    authenticate,
    decide: without(begin, sealed.cost),
    seal: sealed.cost,
    verify: verified.cost,
    claim: kept.claim,
    store: kept.store,
    signReceipt: kept.sign,
    burn: without(kept.complete, kept.sign),
    checkReceipt: checked.cost,
    settleHost: settled.host,
    settleClient: settled.client,
  };
}
