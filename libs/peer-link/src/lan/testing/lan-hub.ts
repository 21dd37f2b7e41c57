// A local network of many machines in one process, for tests of who says what when: real messages, no sockets, no loss.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Clock } from '#process';
import {
  type ApprovalClaims,
  encodeApproval,
  encodeBase64url,
  es256Signer,
  type PeerId,
  type SigningKey,
  type StatementSigner,
  signingKid,
  uuidV7,
} from '#protocol';
import { LanChannel } from '../lan-channel.js';
import { LanMedium, type LanOrigin, type OnDatagram } from '../lan-medium.js';

export const HUB_DOMAIN = 'lan.test';

/** Everybody hears what is sent, the sender too; a reply reaches one machine. */
export class LanHub {
  readonly key = { epoch: 3, key: randomBytes(32) };
  readonly signingKeys: readonly SigningKey[];
  private readonly signer: StatementSigner;
  private readonly machines = new Map<number, OnDatagram>();
  /** Datagrams that were sent, oldest first. */
  readonly sent: Uint8Array[] = [];

  constructor(readonly clock: Clock) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    const kid = signingKid(spki);
    this.signingKeys = [{ kid, use: 'approval', publicKey: encodeBase64url(spki) }];
    this.signer = { kid, sign: es256Signer(privateKey) };
  }

  newPeerId(): PeerId {
    return uuidV7<PeerId>(this.clock.nowMs(), randomBytes(10));
  }

  /** As the broker of the domain approves, or with other claims. */
  approve(claims: Pick<ApprovalClaims, 'hostId' | 'alias' | 'taskId'> & Partial<ApprovalClaims>): string {
    const issuedAtMs = this.clock.nowMs();
    const whole = { trustDomain: HUB_DOMAIN, issuedAtMs, expiresAtMs: issuedAtMs + 600_000, ...claims };
    return encodeApproval(whole, this.signer);
  }

  channel(peerId = this.newPeerId()): LanChannel {
    const { clock, key } = this;
    return new LanChannel({ medium: this.medium(), keys: () => [key], peerId, nowMs: () => clock.nowMs(), clock });
  }

  medium(): LanMedium {
    return new HubMedium(this.sent, this.machines);
  }
}

class HubMedium extends LanMedium {
  private readonly port: number;

  constructor(
    private readonly sent: Uint8Array[],
    private readonly machines: Map<number, OnDatagram>,
  ) {
    super();
    this.port = machines.size + 1;
    machines.set(this.port, () => undefined);
  }

  async open(onDatagram: OnDatagram): Promise<boolean> {
    this.machines.set(this.port, onDatagram);
    return true;
  }

  send(datagram: Uint8Array): void {
    this.sent.push(datagram);
    for (const hear of this.machines.values()) hear(datagram, this.origin);
  }

  reply(datagram: Uint8Array, { port }: LanOrigin): void {
    this.sent.push(datagram);
    this.machines.get(port)?.(datagram, this.origin);
  }

  async close(): Promise<void> {
    this.machines.delete(this.port);
  }

  private get origin(): LanOrigin {
    return { family: 'ipv4', address: `10.0.0.${this.port % 250}`, port: this.port };
  }
}
