// What the engine needs of the outside: a broker that decides and hosts that keep shards. Tests bring worlds of their own.
import type { BrokerClient } from '#broker-api';
import type { LanNeighbours, PeerLink } from '#peer-link';
import type { ErrorCode, PeerId } from '#protocol';

/** The broker as the engine sees it. */
export type BrokerPort = Pick<
  BrokerClient,
  'redundancy' | 'beginPut' | 'beginGet' | 'beginDelete' | 'listObjects' | 'sendReports' | 'peerStatus'
> & { readonly repairs: Pick<BrokerClient['repairs'], 'own'> };

/** Hosts as the engine sees them: receipts and content ids are checked behind this line. */
export type HostsPort = Pick<PeerLink, 'putShard' | 'getShard' | 'deleteBatch'>;

/** Neighbours on the local network as the engine sees them: they are asked before hosts are, and given what came. */
export type NeighboursPort = Pick<LanNeighbours, 'find' | 'failed' | 'keep' | 'noteProgress'> &
  Pick<PeerLink, 'getShard'>;

/** What a long call does, for whoever shows its progress. */
export type Activity = 'backup' | 'restore' | 'check' | 'prune' | 'repair' | 'dump';

/**
 * How far a call has come. Told often, by any number of callers: whoever shows it decides how often it is drawn.
 *
 * Totals are null while nobody knows them, and may be an estimate: what is done can pass them.
 */
export interface ProgressEvent {
  readonly kind: 'progress';
  /** `backup` when it is left out. */
  readonly activity?: Activity;
  readonly filesDone: number;
  readonly filesTotal?: number | null;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Of the bytes done, those that were not stored before; and what they take after compression. */
  readonly bytesNew?: number;
  readonly bytesPacked?: number;
  /** Bytes that went to hosts, redundancy and padding included. */
  readonly bytesStored: number;
  /** Bytes of shards that came from neighbours on the local network. */
  readonly bytesFromNeighbours?: number;
  readonly hosts: number;
  /** The entry under way, as text. */
  readonly path?: string;
}

/** What became of one entry, told for every one: a long listing for people, verbose_status for programs. */
export interface EntryEvent {
  readonly kind: 'entry';
  readonly action: 'new' | 'changed' | 'unchanged' | 'restored' | 'updated' | 'deleted';
  readonly type: 'file' | 'dir' | 'symlink' | 'special';
  readonly path: string;
  readonly bytes?: number;
  /** Of these, the bytes that were not stored before. */
  readonly bytesNew?: number;
}

/** What the engine tells while it works. */
export type EngineEvent =
  | ProgressEvent
  | EntryEvent
  | { readonly kind: 'skipped'; readonly path: string; readonly code: ErrorCode; readonly reason: string }
  /** Said to whoever asks for more with -v. */
  | { readonly kind: 'note'; readonly detail: string }
  | { readonly kind: 'warning'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'host-failed'; readonly peerId: PeerId; readonly code: ErrorCode };

export type OnEvent = (event: EngineEvent) => void;
