// The state of a machine as a pill, and why it is in it.
import { Pill, type Tone } from './pill.js';

export type PeerState = 'vetting' | 'active' | 'leaving' | 'suspended' | 'gone' | 'revoked';

export const PEER_STATES = ['vetting', 'active', 'leaving', 'suspended', 'gone', 'revoked'] as const;

const SHOWN: Readonly<Record<PeerState, readonly [Tone, string]>> = {
  vetting: ['calm', 'on probation'],
  active: ['good', 'active'],
  leaving: ['warn', 'leaving'],
  suspended: ['bad', 'suspended'],
  gone: ['quiet', 'gone'],
  revoked: ['quiet', 'revoked'],
};

export function PeerStatePill({ state }: { readonly state: PeerState }) {
  const [tone, text] = SHOWN[state];
  return <Pill tone={tone}>{text}</Pill>;
}

export interface StateChange {
  readonly from: PeerState;
  readonly to: PeerState;
  readonly by: string;
  readonly code: string;
  readonly reason: string;
  readonly at: string;
}

const WHY: Readonly<Record<string, string>> = {
  owner_asked: 'asked by its owner',
  operator_asked: 'by the operator',
  probation_ended: 'its probation ended',
  nothing_held: 'it holds nothing any more',
  audits_failed: 'it failed too many audits',
};

/** `by the operator: disk trouble` */
export function reasonText({ code, reason }: Pick<StateChange, 'code' | 'reason'>): string {
  const why = WHY[code] ?? code;
  return reason === '' ? why : `${why}: ${reason}`;
}
