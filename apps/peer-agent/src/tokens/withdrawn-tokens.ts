// Tokens that the broker has withdrawn: those of clients that were suspended or revoked while tokens of theirs live.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { changeOne } from '#database';
import {
  type PeerId,
  ProtocolError,
  parseTime,
  type WithdrawnTokens as Told,
  type VerifiedToken,
  withdrawnTokens,
} from '#protocol';
import { AgentDatabase } from '../state/agent-database.js';

/**
 * What the broker said last is all that counts. It is kept: a host that starts while the broker is away takes the tokens
 * of recovery kits, and must know those that are withdrawn.
 */
@Injectable()
export class WithdrawnTokens implements OnModuleInit {
  private clients: ReadonlySet<string> = new Set<PeerId>();
  private issuedBeforeMs = 0;
  private keptText = '';

  constructor(private readonly database: AgentDatabase) {}

  async onModuleInit(): Promise<void> {
    const [row] = await this.database.reads.query<{ withdrawn: string | null }[]>(
      'SELECT withdrawn FROM agent_state WHERE id = 1',
    );
    const text = row?.withdrawn ?? null;
    if (text === null) return;
    this.keptText = text;
    this.take(withdrawnTokens.parse(JSON.parse(text)));
  }

  /** At once, and durably when the promise resolves. */
  async replace(told: Told): Promise<void> {
    this.take(told);
    const text = JSON.stringify(told);
    if (text === this.keptText) return;
    await this.database.writes.run((db) => changeOne(db, 'UPDATE agent_state SET withdrawn = $1 WHERE id = 1', [text]));
    this.keptText = text;
  }

  /** throws token_client_revoked */
  check({ clientId, issuedAtMs, transactionId }: VerifiedToken): void {
    if (this.clients.has(clientId) || issuedAtMs < this.issuedBeforeMs) {
      throw new ProtocolError('token_client_revoked', { transactionId });
    }
  }

  private take(told: Told): void {
    this.clients = new Set(told.clients);
    this.issuedBeforeMs = told.issuedBefore === null ? 0 : (parseTime(told.issuedBefore) ?? 0);
  }
}
