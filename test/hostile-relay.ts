// Exchanges between a client and a host over a relay that lies: what is taken for an answer, and what the relay read (F1).
import { createHash, randomBytes } from 'node:crypto';
import { createSecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import { expectSpiffeId } from '#peer-home';
import { ALPN_SHARDS, type PeerId } from '#protocol';
import { TestAuthority, type TestIdentity } from './authority.js';
import { HARMS, type Harm, HostileLine, randomOf } from './hostile-line.js';
import { peerIdOf } from './peer-fixture.js';

const HOST_ID = peerIdOf(1);
const CLIENT_ID = peerIdOf(2);
/** How long a client waits that hears nothing; here by turns of the event loop. */
const TURNS_MAX = 60;
/** Stands in everything that is said, so that it would be found in what the relay saw. */
const SECRET = Buffer.from('a word that nobody but the two ends may read');

export interface HostileOutcome {
  exchanges: number;
  /** Answers that were taken as whole, by whether they were right. */
  right: number;
  wrong: number;
  /** The client was told that it failed, or heard nothing. */
  failed: number;
  /** Times that the secret stood in what the relay saw. */
  readInTheOpen: number;
  /** Exchanges of each kind in which the harm was done. */
  readonly harms: Record<Harm, number>;
}

/** `count` exchanges, the harm of each chosen by the seed. */
export async function attackExchanges(count: number, seed: number): Promise<HostileOutcome> {
  const random = randomOf(seed);
  const ends = await HostileEnds.create();
  const harms = Object.fromEntries(HARMS.map((harm) => [harm, 0])) as Record<Harm, number>;
  const outcome: HostileOutcome = { exchanges: 0, right: 0, wrong: 0, failed: 0, readInTheOpen: 0, harms };
  for (let i = 0; i < count; i++) {
    const harm = HARMS[Math.floor(random() * HARMS.length)]!;
    const towards = random() < 0.5 ? 'host' : 'client';
    const line = new HostileLine({ harm, towards, frame: Math.floor(random() * 14), random });
    const sizeBytes = 1 + Math.floor(random() * 8_000);
    const taken = await ends.exchange(line, sizeBytes);
    outcome.exchanges++;
    outcome[taken]++;
    if (line.isDone) harms[harm]++;
    if (Buffer.concat(line.seen).includes(SECRET)) outcome.readInTheOpen++;
  }
  return outcome;
}

class HostileEnds {
  private constructor(
    private readonly authority: TestAuthority,
    private readonly client: TestIdentity,
    private readonly host: ReturnType<typeof createSecureContext>,
  ) {}

  static async create(): Promise<HostileEnds> {
    const authority = await TestAuthority.create();
    const { certificatePem, privateKeyPem } = await authority.issue(HOST_ID);
    const host = createSecureContext({
      cert: certificatePem,
      key: privateKeyPem,
      ca: authority.caPem,
      minVersion: 'TLSv1.3',
    });
    return new HostileEnds(authority, await authority.issue(CLIENT_ID), host);
  }

  /** The client asks for so many bytes; the host answers with the secret, the bytes and nothing more, then ends. */
  async exchange(line: HostileLine, sizeBytes: number): Promise<'right' | 'wrong' | 'failed'> {
    const answer = Buffer.concat([SECRET, randomBytes(sizeBytes)]);
    const digest = sha256(answer);
    this.serve(line, sizeBytes, answer);
    const socket = tlsConnect({
      socket: line.client,
      ca: [this.authority.caPem],
      cert: this.client.certificatePem,
      key: this.client.privateKeyPem,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_SHARDS],
      checkServerIdentity: expectSpiffeId(
        { trustDomain: this.authority.trustDomain, subject: HOST_ID as PeerId },
        'peer_untrusted',
      ),
    });
    const pieces: Buffer[] = [];
    let end: 'open' | 'ended' | 'broken' = 'open';
    let quiet = 0;
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece);
      quiet = 0;
    });
    socket.once('secureConnect', () => {
      quiet = 0;
      socket.write(Buffer.concat([SECRET, Buffer.from(`${sizeBytes};`)]));
    });
    socket.once('end', () => {
      end = 'ended';
    });
    socket.on('error', () => {
      end = 'broken';
    });
    socket.once('close', () => {
      if (end === 'open') end = 'broken';
    });
    for (; quiet < TURNS_MAX && end === 'open'; quiet++) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    line.host.destroy();
    const got = Buffer.concat(pieces);
    // Every byte that came is the one that was sent, also where fewer came.
    if (!answer.subarray(0, got.length).equals(got)) return 'wrong';
    return sha256(got) === digest ? 'right' : 'failed';
  }

  private serve(line: HostileLine, sizeBytes: number, answer: Buffer): void {
    const socket = new TLSSocket(line.host, {
      isServer: true,
      secureContext: this.host,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: [ALPN_SHARDS],
    });
    const asked: Buffer[] = [];
    socket.on('error', () => socket.destroy());
    socket.on('data', (piece: Buffer) => {
      asked.push(piece);
      if (piece.at(-1) !== ';'.charCodeAt(0)) return;
      const isRight = Buffer.concat(asked).equals(Buffer.concat([SECRET, Buffer.from(`${sizeBytes};`)]));
      // A request that is not the one that was made is answered with bytes that count as wrong.
      socket.end(isRight ? answer : Buffer.alloc(sizeBytes, 1));
    });
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
