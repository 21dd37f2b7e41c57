// What the engine needs of the outside: a broker that decides and hosts that keep shards. Tests bring worlds of their own.
import type { BrokerClient } from '#broker-api';
import type { PeerLink } from '#peer-link';
import type { ErrorCode, PeerId } from '#protocol';

/** The broker as the engine sees it. */
export type BrokerPort = Pick<BrokerClient, 'redundancy' | 'beginPut' | 'beginGet' | 'listObjects' | 'sendReports'>;

/** Hosts as the engine sees them: receipts and content ids are checked behind this line. */
export type HostsPort = Pick<PeerLink, 'putShard' | 'getShard'>;

/** What the engine tells while it works. */
export type EngineEvent =
  | {
      readonly kind: 'progress';
      readonly filesDone: number;
      readonly bytesDone: number;
      readonly bytesTotal: number | null;
      readonly bytesStored: number;
      readonly hosts: number;
    }
  | { readonly kind: 'skipped'; readonly path: string; readonly code: ErrorCode; readonly reason: string }
  | { readonly kind: 'warning'; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'host-failed'; readonly peerId: PeerId; readonly code: ErrorCode };

export type OnEvent = (event: EngineEvent) => void;
