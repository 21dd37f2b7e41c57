// Hands out what the home shares by links: counts downloads durably, and lets one that was counted be fetched for a while.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type SharedFile, ShareFolder } from '#backup';
import { changeMany, changeOne } from '#database';
import { PeerHome } from '#peer-home';
import { Clock } from '#process';
import { base64urlLength, encodeBase64url, KEY_BYTES, ProtocolError, sealedShareBytes } from '#protocol';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import { TICKET_BYTES_EXTRA, TICKET_BYTES_FACTOR, TICKET_LIFE_MS, TICKETS_MAX } from './limits.js';

interface Ticket {
  readonly shareId: string;
  readonly untilMs: number;
  bytesLeft: number;
}

export type CountedShare = SharedFile & { readonly downloads: number };

@Injectable()
export class ShareDesk {
  readonly folder: ShareFolder;
  /** Oldest first. */
  private readonly tickets = new Map<string, Ticket>();

  constructor(
    home: PeerHome,
    private readonly database: AgentDatabase,
    private readonly time: HostTime,
    private readonly clock: Clock,
  ) {
    this.folder = new ShareFolder(home.path);
  }

  /** Every share that has not ended, for its owner. */
  async list(): Promise<CountedShare[]> {
    await this.folder.removeEnded(this.time.nowMs());
    const counts = await readShareUse(this.database.reads);
    return (await this.folder.list()).map((share) => ({ ...share, downloads: counts.get(share.id) ?? 0 }));
  }

  /** A share that can be downloaded now. throws share_gone, whyever it cannot */
  async open(id: string): Promise<CountedShare> {
    const share = await this.unended(id);
    const downloads = (await readShareUse(this.database.reads)).get(id) ?? 0;
    if (downloads >= share.downloadsMax) throw new ProtocolError('share_gone');
    return { ...share, downloads };
  }

  /**
   * Count a download; it is counted before anything is given out.
   *
   * returns  the ticket with which its bytes can be had
   * throws   share_gone | visits_full
   */
  async beginDownload(id: string): Promise<string> {
    const share = await this.unended(id);
    this.dropOldTickets();
    if (this.tickets.size >= TICKETS_MAX) throw new ProtocolError('visits_full');
    const isCounted = await this.database.writes.run((db) => countDownload(db, share, this.folder));
    if (!isCounted) throw new ProtocolError('share_gone');
    const ticket = encodeBase64url(randomBytes(KEY_BYTES));
    const bytesLeft = sealedShareBytes(share.sizeBytes) * TICKET_BYTES_FACTOR + TICKET_BYTES_EXTRA;
    this.tickets.set(ticket, { shareId: id, untilMs: this.clock.monotonicMs() + TICKET_LIFE_MS, bytesLeft });
    return ticket;
  }

  /**
   * The share whose bytes this ticket is for, while it lives. A download that was counted goes on when the share ends
   * meanwhile, and stops when its owner withdraws it.
   *
   * throws   share_gone
   */
  async ticketed(id: string, ticket: string): Promise<SharedFile> {
    const known = this.ticketOf(id, ticket);
    const share = known === null ? null : await this.folder.find(id);
    if (share === null) throw new ProtocolError('share_gone');
    return share;
  }

  /** Take so many bytes from a ticket's. throws share_gone when it has not as many left */
  spend(id: string, ticket: string, bytes: number): void {
    const known = this.ticketOf(id, ticket);
    if (known === null || known.bytesLeft < bytes) throw new ProtocolError('share_gone');
    known.bytesLeft -= bytes;
  }

  private async unended(id: string): Promise<SharedFile> {
    const share = await this.folder.find(id);
    if (share === null || share.expiresAtMs <= this.time.nowMs()) throw new ProtocolError('share_gone');
    return share;
  }

  private ticketOf(id: string, ticket: string): Ticket | null {
    const known = base64urlLength(ticket) === KEY_BYTES ? this.tickets.get(ticket) : undefined;
    const isGood = known?.shareId === id && known.untilMs > this.clock.monotonicMs();
    return isGood ? known : null;
  }

  private dropOldTickets(): void {
    for (const [ticket, { untilMs }] of this.tickets) {
      if (untilMs > this.clock.monotonicMs()) break;
      this.tickets.delete(ticket);
    }
  }
}

/** Downloads so far, by the share's id. */
export async function readShareUse(reads: EntityManager): Promise<ReadonlyMap<string, number>> {
  const rows = await reads.query<{ share_id: string; downloads: number }[]>(
    'SELECT share_id, downloads FROM share_use',
  );
  return new Map(rows.map((row) => [row.share_id, Number(row.downloads)]));
}

/** Part of a unit. With the first download of a share, counts of those that are no more go. */
async function countDownload(
  db: EntityManager,
  { id, downloadsMax }: SharedFile,
  folder: ShareFolder,
): Promise<boolean> {
  const insert = 'INSERT INTO share_use (share_id, downloads) VALUES ($1, 0) ON CONFLICT DO NOTHING';
  // Within the unit: a share that is counted in an earlier one is listed here.
  if (await changeOne(db, insert, [id])) await forgetOthers(db, [...(await folder.ids()), id]);
  const count = 'UPDATE share_use SET downloads = downloads + 1 WHERE share_id = $1 AND downloads < $2';
  return changeOne(db, count, [id, downloadsMax]);
}

async function forgetOthers(db: EntityManager, known: readonly string[]): Promise<void> {
  const listed = JSON.stringify(known);
  await changeMany(db, 'DELETE FROM share_use WHERE share_id NOT IN (SELECT value FROM json_each($1))', [listed]);
}
