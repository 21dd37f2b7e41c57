// Tokens that the broker has withdrawn: those of clients that were suspended or revoked while tokens of theirs live.
import { Injectable } from '@nestjs/common';
import { type PeerId, ProtocolError, parseTime, type WithdrawnTokens as Told, type VerifiedToken } from '#protocol';

/** In memory: a host that starts hears it with its first presence. */
@Injectable()
export class WithdrawnTokens {
  private clients: ReadonlySet<string> = new Set<PeerId>();
  private issuedBeforeMs = 0;

  /** What the broker said last is all that counts. */
  replace(told: Told): void {
    this.clients = new Set(told.clients);
    this.issuedBeforeMs = told.issuedBefore === null ? 0 : (parseTime(told.issuedBefore) ?? 0);
  }

  /** throws token_client_revoked */
  check({ clientId, issuedAtMs, transactionId }: VerifiedToken): void {
    if (this.clients.has(clientId) || issuedAtMs < this.issuedBeforeMs) {
      throw new ProtocolError('token_client_revoked', { transactionId });
    }
  }
}
