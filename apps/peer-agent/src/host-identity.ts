// Who this host is: its id, the key that signs its receipts, and the keys that its tokens may be sealed under.
import { Injectable } from '@nestjs/common';
import { PeerHome } from '#peer-home';
import { es256Signer, type PeerId, type SignBytes, type TokenKey, type UnixMs } from '#protocol';

@Injectable()
export class HostIdentity {
  readonly peerId: PeerId;
  readonly trustDomain: string;
  readonly sign: SignBytes;

  constructor(private readonly home: PeerHome) {
    this.peerId = home.identity.peerId;
    this.trustDomain = home.identity.trustDomain;
    this.sign = es256Signer(home.privateKeyPem);
  }

  /** The current key or its offline one, or one that was replaced while tokens sealed under it may still live (B5). */
  transactionKey(kid: string, nowMs: UnixMs): TokenKey | undefined {
    const { current, previous, older, offline } = this.home.transactionKeys();
    if (kid === current.kid) return current;
    const replaced = [...(previous === null ? older : [previous, ...older]), ...offline];
    const known = replaced.find(({ key, untilMs }) => kid === key.kid && nowMs < untilMs)?.key;
    return known ?? (kid === current.offline.kid ? current.offline : undefined);
  }
}
