// Hosts of the relay bench: one listens itself and is attached to the relay too, the others are attached and idle.
import { readFileSync } from 'node:fs';
import { performServerHandshake } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, createServer, TLSSocket } from 'node:tls';
import { connectTrusted } from '#peer-home';
import { ATTACHMENT_PATH, type AttachmentRole, BULK_PATH, TUNNEL_OPTIONS, widen } from '#peer-link';
import { ALPN_RELAY, ALPN_SHARDS, type PeerId } from '#protocol';
import { type BenchPeer, TRUST_DOMAIN } from './network.js';

export interface HostSettings {
  readonly caPem: string;
  readonly relayId: PeerId;
  readonly relayPort: number;
  /** The first is the one that serves. */
  readonly peers: readonly (BenchPeer & { readonly lease: string })[];
}

const PIECE = Buffer.alloc(256 * 1024, 7);
const settings = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as HostSettings;
const [serving] = settings.peers;
const tls = {
  cert: serving!.certificatePem,
  key: serving!.privateKeyPem,
  ca: settings.caPem,
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: 'TLSv1.3',
  ALPNProtocols: [ALPN_SHARDS],
} as const;
const secureContext = createSecureContext(tls);

/** `<bytes>\n` is answered by so many bytes. */
function serve(socket: Duplex): void {
  let asked = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece: Buffer) => {
    asked += piece.toString('latin1');
    for (let end = asked.indexOf('\n'); end >= 0; end = asked.indexOf('\n')) {
      void answer(socket, Number(asked.slice(0, end)));
      asked = asked.slice(end + 1);
    }
  });
}

async function answer(socket: Duplex, sizeBytes: number): Promise<void> {
  for (let left = sizeBytes; left > 0 && !socket.destroyed; left -= PIECE.length) {
    const isFree = socket.write(left >= PIECE.length ? PIECE : PIECE.subarray(0, left));
    if (!isFree) await new Promise<void>((resolve) => socket.once('drain', resolve));
  }
}

async function attach(peer: HostSettings['peers'][number], role: AttachmentRole): Promise<void> {
  const { caPem, relayId, relayPort } = settings;
  const expected = { trustDomain: TRUST_DOMAIN, subject: relayId };
  const codes = { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' } as const;
  const options = { caPem, expected, alpn: ALPN_RELAY, own: () => peer, codes };
  const session = performServerHandshake(
    await connectTrusted(options, { host: '127.0.0.1', port: relayPort }),
    TUNNEL_OPTIONS,
  );
  widen(session);
  session.on('error', () => session.destroy());
  await new Promise<void>((resolve) => {
    session.on('stream', (stream, headers) => {
      stream.on('error', () => stream.destroy());
      stream.respond({ ':status': 200 });
      if (headers[':method'] === 'CONNECT') {
        serve(new TLSSocket(stream, { ...tls, secureContext, isServer: true }));
        return;
      }
      stream.resume();
      if (headers[':path'] === BULK_PATH) void attach(peer, 'bulk');
      stream.end(headers[':path'] === ATTACHMENT_PATH ? JSON.stringify({ lease: peer.lease, role }) : '{}');
      resolve();
    });
  });
}

const server = createServer(tls, serve);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
process.stdout.write(`port: ${(server.address() as AddressInfo).port}\n`);
process.stdin.setEncoding('utf8');
// `<n>\n` on stdin attaches the next n peers.
let attached = 0;
process.stdin.on('data', (text: string) => {
  void (async () => {
    const until = attached + Number(text);
    while (attached < until) await attach(settings.peers[attached++]!, 'control');
    process.stdout.write(`attached: ${attached}\n`);
  })();
});
process.once('SIGTERM', () => process.exit(0));
