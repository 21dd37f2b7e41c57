// `peerkeep-agent leave`: this machine is to hold nothing for others any more, once what it holds is elsewhere.
import { BrokerClient } from '#broker-api';
import { type HomeKey, PeerHome } from '#peer-home';
import type { Clock, Log } from '#process';
import { ProtocolError, reasonField } from '#protocol';

export interface LeaveOptions {
  readonly homePath: string;
  readonly homeKey: HomeKey | null;
  readonly reason: string;
  /** Take it back. */
  readonly undo: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Asks the broker; the agent may run, and goes on serving what it holds.
 *
 * returns  what to tell the person
 * throws   home_missing | home_corrupt | usage | peer_suspended | peer_revoked | broker_unreachable
 */
export async function leave({ homePath, homeKey, reason, undo, clock, log }: LeaveOptions): Promise<string> {
  if (!reasonField.safeParse(reason).success) {
    throw new ProtocolError('usage', {}, { detail: '--reason is one line of at most 200 characters' });
  }
  const home = await PeerHome.open(homePath, homeKey);
  const broker = new BrokerClient({ home, clock, log });
  try {
    const { peerId } = home.identity;
    const { state } = await (undo ? broker.stay(peerId, reason) : broker.leave(peerId, reason));
    if (undo) return `${state}: this machine takes shards again`;
    if (state === 'gone') return 'gone: this machine holds nothing for others; the agent may be stopped';
    return 'leaving: no new shards come here; keep the agent running until `peerkeep-agent status` says gone';
  } finally {
    await broker.close();
  }
}
