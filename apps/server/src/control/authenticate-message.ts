// Decides who speaks: a control message is taken once, fresh, unaltered, from a peer that is not suspended (B8, B9).
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { isRefusal, type MessageHeaders, ProtocolError, readRequestSignature, verifyRequest } from '#protocol';
import { TransactionKeys } from '../keys/transaction-keys.js';
import { CREATED_AHEAD_MS_MAX } from '../limits.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { Settings } from '../platform/settings.js';
import type { Caller } from './caller.js';
import { NonceList } from './nonce-list.js';

const SECOND_MS = 1_000;

export interface IncomingMessage {
  readonly method: string;
  readonly targetUri: string;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
}

@Injectable()
export class AuthenticateMessage {
  private readonly nonces = new NonceList();

  constructor(
    private readonly directory: PeerDirectory,
    private readonly keys: TransactionKeys,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {}

  /**
   * authenticated   is told the caller as soon as the signature holds, before the checks that may still refuse, so
   *                 that those refusals are signed as well: a peer with a wrong clock learns the time from one
   * throws          signature_missing | signature_invalid | key_unknown | peer_revoked | digest_mismatch | message_stale |
   *                 message_predates_restart | message_replayed | nonce_list_full | peer_suspended
   */
  async run(message: IncomingMessage, authenticated: (caller: Caller) => void): Promise<void> {
    const claimed = readRequestSignature(message.headers);
    const peer = this.directory.find(claimed.peerId);
    if (peer === undefined) throw new ProtocolError('key_unknown');
    // Its keys are destroyed: nobody can tell whether it is the peer that asks.
    if (peer.state === 'revoked') throw new ProtocolError('peer_revoked');
    const known = await this.keys.findForMessage(claimed.peerId, claimed.kid);
    if (known === null) throw new ProtocolError('key_unknown');
    const nowMs = this.clock.nowMs();
    const caller: Caller = { peer, key: known.key, signature: claimed };
    try {
      verifyRequest(claimed, { ...message, key: known.key, nowMs });
    } catch (error) {
      // Staleness is judged after the signature: the peer is genuine, its clock is not.
      if (isRefusal(error, 'message_stale')) authenticated(caller);
      throw error;
    }
    authenticated(caller);

    if (claimed.createdMs > nowMs + CREATED_AHEAD_MS_MAX) throw new ProtocolError('message_stale');
    if (claimed.createdMs < this.acceptedSinceMs()) throw new ProtocolError('message_predates_restart');
    this.nonces.claim(claimed, nowMs);
    this.directory.checkMayAsk(peer.peerId);
    if (known.state === 'pending') await this.keys.promote(peer.peerId, known.key.kid);
  }

  /** `created` is in whole seconds: a message made in the second of the start cannot be told from one just before. */
  private acceptedSinceMs(): number {
    return Math.floor(this.settings.startedAtMs / SECOND_MS) * SECOND_MS;
  }
}
