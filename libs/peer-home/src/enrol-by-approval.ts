// Enrolment of a machine without a key: show a person a code and a page, then ask until somebody has decided there
// (RFC 8628, the profile of SPEC §10).
import type { Clock } from '#process';
import {
  type DeviceAuthorizationRequest,
  deviceAuthorizationAnswer,
  type EnrolAnswer,
  type EnrolmentPurpose,
  type EnrolRequest,
  type ErrorCode,
  enrolAnswer,
  isRefusal,
  POLL_SLOWER_MS,
  ProtocolError,
} from '#protocol';
import type { EnrolmentExchange } from './enrolment-exchange.js';
import { POLL_BACK_OFF_MS_MAX } from './limits.js';
import { waitFor } from './wait-for.js';

/** What a terminal shows while a person decides elsewhere. */
export interface ApprovalAsked {
  readonly verificationUri: string;
  /** The same page with the code filled in. */
  readonly verificationUriComplete: string;
  readonly userCode: string;
  /** Of this machine's new identity key; the page shows it too. */
  readonly fingerprint: string;
  readonly expiresInMs: number;
}

/** Ask a person, in place of showing a credential. */
export interface ApprovalWay {
  readonly kind: 'approval';
  readonly purpose: EnrolmentPurpose;
  /** The program that asks, as a person would recognise it. */
  readonly program: string;
  readonly clock: Clock;
  readonly onAsked: (asked: ApprovalAsked) => void;
}

/** After one of these the broker may answer differently a little later. */
const WORTH_WAITING: ReadonlySet<ErrorCode> = new Set([
  'broker_unreachable',
  'overloaded',
  'rate_exceeded',
  'stopping',
  'internal',
]);

/**
 * Resolves when a person has approved. The time that a code lives bounds the wait.
 *
 * throws   enrolment_refused | enrolment_expired | interrupted, and what the broker refuses with
 */
export async function enrolByApproval(
  exchange: EnrolmentExchange,
  machine: Pick<DeviceAuthorizationRequest, 'name' | 'csr'> & { readonly fingerprint: string },
  way: ApprovalWay,
  signal: AbortSignal | undefined,
): Promise<EnrolAnswer> {
  const { name, csr, fingerprint } = machine;
  const { purpose, program, clock } = way;
  const asking: DeviceAuthorizationRequest = { name, csr, purpose, program };
  const asked = await exchange.post('/v1/device-authorizations', asking, deviceAuthorizationAnswer);
  const { deviceCode, intervalMs, ...told } = asked;
  way.onAsked({ ...told, fingerprint });
  const request: EnrolRequest = { name, csr, credential: { kind: 'device-code', deviceCode } };
  const poll = (): Promise<EnrolAnswer> => exchange.post('/v1/enrolments', request, enrolAnswer);
  return pollUntilDecided(poll, { clock, signal, intervalMs, untilMs: clock.monotonicMs() + asked.expiresInMs });
}

async function pollUntilDecided(
  poll: () => Promise<EnrolAnswer>,
  pace: { clock: Clock; signal: AbortSignal | undefined; intervalMs: number; untilMs: number },
): Promise<EnrolAnswer> {
  const { clock, signal, untilMs } = pace;
  let { intervalMs } = pace;
  let backOffMs = 0;
  for (;;) {
    await waitFor(clock, intervalMs + backOffMs, signal);
    if (clock.monotonicMs() >= untilMs) throw new ProtocolError('enrolment_expired');
    try {
      return await poll();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const { code } = error;
      const waits = WORTH_WAITING.has(code);
      if (!waits && code !== 'enrolment_pending' && code !== 'enrolment_poll_too_fast') throw error;
      // RFC 8628 §3.5: five seconds longer from here on; and twice as long each time that nobody answers.
      if (code === 'enrolment_poll_too_fast') intervalMs += POLL_SLOWER_MS;
      backOffMs = waits ? Math.min(2 * (backOffMs || intervalMs), POLL_BACK_OFF_MS_MAX) : 0;
    }
  }
}
