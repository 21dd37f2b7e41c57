// A real agent process, and tokens for it: the bench holds the host's key, so that no broker is measured with it.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:tls';
import { enrolPeer, PeerHome } from '#peer-home';
import { ALPN_SHARDS, type ContentId, contentIdOf, sealToken, type TransactionId, uuidV7 } from '#protocol';
import { DemoNetwork } from '../../scripts/demo/demo-network.js';
import type { Exchange, Reachable } from './run-exchanges.js';

const TOKEN_LIFE_MS = 10 * 60_000;

export interface Shard {
  readonly cid: ContentId;
  readonly bytes: Buffer;
}

export interface HostUnderLoad extends Reachable {
  makeShards(count: number, sizeBytes: number): Shard[];
  puts(shards: readonly Shard[]): Exchange[];
  gets(shards: readonly Shard[]): Exchange[];
  stop(): Promise<void>;
}

export async function startHost(): Promise<HostUnderLoad> {
  const network = await DemoNetwork.create();
  await network.startBroker();
  await network.startHosts(1);
  const [folder] = network.hostFolders;
  const home = await PeerHome.open(folder!);
  const credential = { kind: 'enrolment-key', key: network.key } as const;
  const client = await enrolPeer({ joinLink: network.link, name: 'bench-client', credential });
  const { trustDomain, peerId: hostId } = home.identity;
  const key = home.transactionKeys().current;

  const exchange = (op: 'put' | 'get', { cid, bytes }: Shard): Exchange => {
    const nowMs = Date.now();
    const claims = {
      trustDomain,
      hostId,
      clientId: client.peerId,
      transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      issuedAtMs: nowMs,
      notBeforeMs: nowMs,
      expiresAtMs: nowMs + TOKEN_LIFE_MS,
      op,
      items: [{ cid, sizeBytes: bytes.length }],
    };
    return {
      method: op === 'put' ? 'PUT' : 'GET',
      path: `/shards/${cid}`,
      headers: { authorization: `Peerkeep ${sealToken(key, claims, randomBytes(32))}` },
      body: op === 'put' ? bytes : null,
      status: op === 'put' ? 201 : 200,
      answerBytes: op === 'put' ? null : bytes.length,
    };
  };
  return {
    origin: `https://127.0.0.1:${network.hostPort(folder!)}`,
    // undici's own connector names its own application protocol.
    connect: ({ hostname, port }, done) => {
      const socket = connect({
        host: hostname,
        port: Number(port),
        ca: home.caPem,
        cert: client.certificatePem,
        key: client.privateKeyPem,
        ALPNProtocols: [ALPN_SHARDS],
        // The host's name is in its certificate's URI, which this load does not judge.
        checkServerIdentity: () => undefined,
      });
      socket.once('secureConnect', () => done(null, socket)).once('error', (error) => done(error, null));
    },
    makeShards: (count, sizeBytes) =>
      Array.from({ length: count }, () => {
        const bytes = randomBytes(sizeBytes);
        return { bytes, cid: contentIdOf(bytes) };
      }),
    puts: (shards) => shards.map((shard) => exchange('put', shard)),
    gets: (shards) => shards.map((shard) => exchange('get', shard)),
    stop: () => network.close(),
  };
}
