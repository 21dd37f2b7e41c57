// Measures tokens: issues and verifications a second on one core, ours beside paseto, jose and fast-jwt, in one run.
import { createSecretKey, randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { createSigner, createVerifier } from 'fast-jwt';
import { EncryptJWT, jwtDecrypt } from 'jose';
import { V3 } from 'paseto';
import {
  type CryptoSuite,
  contentIdOf,
  nobleSuite,
  nodeSuite,
  type PeerId,
  sealToken,
  type TokenClaims,
  type TokenExpectation,
  type TransactionId,
  TransactionKey,
  uuidV7,
  verifyToken,
} from '#protocol';

const WARM_UP_ROUNDS = 5;
const ROUNDS = 41;
/** Each contender runs for about so long in a round, so that a slow one does not starve of samples. */
const ROUND_MS = 20;
/** The others' calls are asynchronous: so many run at once, which is kind to them. */
const CONCURRENT = 32;

const OURS = 'peerkeep node';
const TRUST_DOMAIN = 'backup.example';

/** One way to issue or to verify a token. `run` does it `times` times. */
interface Contender {
  readonly name: string;
  readonly action: 'issue' | 'verify';
  readonly run: (times: number) => void | Promise<void>;
}

interface Speed {
  /** Median operations in a second of the clock. */
  readonly perSecond: number;
  /** Median operations in a second of processor time, over all threads: what one core can carry. */
  readonly perCoreSecond: number;
}

/**
 * Issue and verify the same claims by each library. The rounds interleave the contenders, so that a busy machine slows
 * all of them alike; a ratio is the median over rounds, of processor time, because two of the others use threads.
 *
 * returns  one JSON document: medians, and how many times ours (node path) is as fast as each other
 */
export async function benchTokens(): Promise<object> {
  const contenders = await allContenders();
  const times: number[] = [];
  for (const contender of contenders) times.push(await timesFor(contender));
  const rounds: Speed[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const speeds: Speed[] = [];
    for (const [index, contender] of contenders.entries()) speeds.push(await measure(contender, times[index]!));
    rounds.push(speeds);
  }
  return {
    bench: 'tokens',
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    rounds: ROUNDS,
    results: contenders.map(({ name, action }, index) => ({
      name,
      action,
      perSecond: Math.round(median(rounds.map((speeds) => speeds[index]!.perSecond))),
      perCoreSecond: Math.round(median(rounds.map((speeds) => speeds[index]!.perCoreSecond))),
      oursIsTimesAsFast: Number(median(rounds.map((speeds) => ratio(contenders, speeds, index))).toFixed(2)),
    })),
  };
}

/** How many times as fast our node path was in this round as the contender at `index` in the same action. */
function ratio(contenders: readonly Contender[], speeds: readonly Speed[], index: number): number {
  const { action } = contenders[index]!;
  const ours = contenders.findIndex((contender) => contender.name === OURS && contender.action === action);
  return speeds[ours]!.perCoreSecond / speeds[index]!.perCoreSecond;
}

async function allContenders(): Promise<Contender[]> {
  const nowMs = Date.now();
  const claims = exampleClaims(nowMs);
  return [
    ...peerkeep(nodeSuite, claims, nowMs),
    ...peerkeep(nobleSuite, claims, nowMs),
    ...(await pasetoV3(claims)),
    ...(await joseDirect(claims)),
    ...fastJwt(claims),
  ];
}

function exampleClaims(nowMs: number): TokenClaims {
  return {
    trustDomain: TRUST_DOMAIN,
    hostId: uuidV7<PeerId>(nowMs, randomBytes(10)),
    clientId: uuidV7<PeerId>(nowMs, randomBytes(10)),
    transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
    issuedAtMs: nowMs,
    notBeforeMs: nowMs,
    expiresAtMs: nowMs + 15 * 60_000,
    op: 'put',
    items: [{ cid: contentIdOf(randomBytes(1000)), sizeBytes: 4 * 1024 * 1024 }],
  };
}

function peerkeep(suite: CryptoSuite, claims: TokenClaims, nowMs: number): Contender[] {
  const key = new TransactionKey(randomBytes(32), suite);
  const token = sealToken(key, claims, randomBytes(32));
  const expect: TokenExpectation = {
    keyOf: (kid: string) => (kid === key.kid ? key : undefined),
    trustDomain: claims.trustDomain,
    hostId: claims.hostId,
    clientId: claims.clientId,
    op: 'put',
    cid: claims.items[0]!.cid,
    nowMs,
  };
  const name = `peerkeep ${suite.name}`;
  return [
    { name, action: 'issue', run: repeat(() => sealToken(key, claims, randomBytes(32))) },
    { name, action: 'verify', run: repeat(() => verifyToken(token, expect)) },
  ];
}

/** The same algorithm and claims, by the npm package `paseto`. */
async function pasetoV3(claims: TokenClaims): Promise<Contender[]> {
  const key = createSecretKey(randomBytes(32));
  const payload = { ...payloadOf(claims), ...isoTimes(claims) };
  const options = { footer: Buffer.from('{"kid":"0123456789abcdef"}'), assertion: 'peerkeep', iat: false };
  const token = await V3.encrypt(payload, key, options);
  const expected = { assertion: 'peerkeep', issuer: payload.iss, audience: payload.aud, subject: payload.sub };
  return [
    { name: 'paseto', action: 'issue', run: repeatAsync(() => V3.encrypt(payload, key, options)) },
    { name: 'paseto', action: 'verify', run: repeatAsync(() => V3.decrypt(token, key, expected)) },
  ];
}

/** An encrypted JWT: a direct key and AES-256-GCM. */
async function joseDirect(claims: TokenClaims): Promise<Contender[]> {
  const key = new Uint8Array(randomBytes(32));
  const payload = { ...payloadOf(claims), ...numericTimes(claims) };
  const issue = () =>
    new EncryptJWT(payload).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: '0123456789abcdef' }).encrypt(key);
  const token = await issue();
  const expected = { issuer: payload.iss, audience: payload.aud, subject: payload.sub };
  return [
    { name: 'jose', action: 'issue', run: repeatAsync(issue) },
    { name: 'jose', action: 'verify', run: repeatAsync(() => jwtDecrypt(token, key, expected)) },
  ];
}

/** A JWT that is only authenticated, not encrypted (HS256), by the fastest JWT library we know. */
function fastJwt(claims: TokenClaims): Contender[] {
  const key = randomBytes(32);
  const payload = { ...payloadOf(claims), ...numericTimes(claims) };
  const sign = createSigner({ algorithm: 'HS256', key, kid: '0123456789abcdef' });
  const verify = createVerifier({
    algorithms: ['HS256'],
    key,
    cache: false,
    allowedIss: payload.iss,
    allowedAud: payload.aud,
    allowedSub: payload.sub,
  });
  const token = sign(payload);
  return [
    { name: 'fast-jwt', action: 'issue', run: repeat(() => sign(payload)) },
    { name: 'fast-jwt', action: 'verify', run: repeat(() => verify(token)) },
  ];
}

function payloadOf(claims: TokenClaims) {
  return {
    iss: claims.trustDomain,
    aud: claims.hostId,
    sub: claims.clientId,
    jti: claims.transactionId,
    op: claims.op,
    items: claims.items.map(({ cid, sizeBytes }) => ({ cid, size: sizeBytes })),
  };
}

function isoTimes(claims: TokenClaims) {
  const iso = (ms: number) => new Date(ms).toISOString();
  return { iat: iso(claims.issuedAtMs), nbf: iso(claims.notBeforeMs), exp: iso(claims.expiresAtMs) };
}

function numericTimes(claims: TokenClaims) {
  const seconds = (ms: number) => Math.floor(ms / 1000);
  return { iat: seconds(claims.issuedAtMs), nbf: seconds(claims.notBeforeMs), exp: seconds(claims.expiresAtMs) };
}

function repeat(once: () => unknown): Contender['run'] {
  return (times) => {
    for (let i = 0; i < times; i++) once();
  };
}

function repeatAsync(once: () => Promise<unknown>): Contender['run'] {
  return async (times) => {
    for (let done = 0; done < times; done += CONCURRENT) {
      await Promise.all(Array.from({ length: Math.min(CONCURRENT, times - done) }, once));
    }
  };
}

/** How many runs fill ROUND_MS, after a warm-up that lets the compiler settle. */
async function timesFor(contender: Contender): Promise<number> {
  let times = CONCURRENT;
  for (let round = 0; round < WARM_UP_ROUNDS; round++) {
    const { perSecond } = await measure(contender, times);
    times = Math.max(CONCURRENT, Math.round((perSecond * ROUND_MS) / 1000));
  }
  return times;
}

async function measure(contender: Contender, times: number): Promise<Speed> {
  const startedCpu = process.cpuUsage();
  const startedNs = process.hrtime.bigint();
  await contender.run(times);
  const tookS = Number(process.hrtime.bigint() - startedNs) / 1e9;
  const { user, system } = process.cpuUsage(startedCpu);
  return { perSecond: times / tookS, perCoreSecond: times / ((user + system) / 1e6) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)]!;
}
