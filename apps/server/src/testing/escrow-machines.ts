// Machines that a person lets in, and a key that one of them leaves in escrow, for tests: as programs and people do it.
import { randomBytes } from 'node:crypto';
import { type AskEscrowKeyAnswer, sealMasterKey, unwrapEscrowKey } from '#protocol';
import type { BrokerFixture } from './broker-fixture.js';
import { makeIdentity, TestPeer } from './test-peer.js';
import { authorize } from './waiting-machine.js';
import { PASSWORD, type WebVisitor } from './web-visitor.js';

export interface AskingMachine {
  readonly csr: string;
  readonly userCode: string;
  readonly deviceCode: string;
  readonly privateKey: Awaited<ReturnType<typeof makeIdentity>>['privateKey'];
}

export async function askToJoin(fixture: BrokerFixture, purpose: string): Promise<AskingMachine> {
  const { csr, privateKey } = await makeIdentity();
  const { body } = await authorize(fixture, { csr, purpose, program: 'peerkeep' });
  return { csr, privateKey, userCode: body.userCode, deviceCode: body.deviceCode };
}

/** Sign in, type the code, approve. */
export async function approve({ userCode }: AskingMachine, person: WebVisitor, email: string): Promise<void> {
  await person.submit('/sign-in', { email, password: PASSWORD });
  const shown = await person.submit('/enrol', { code: userCode });
  if (shown.status !== 303) throw new Error(`the code was not taken: ${shown.text}`);
  const decided = await person.submit(String(shown.headers.location), { decision: 'approved' });
  if (!decided.text.includes('is let into your account')) throw new Error(`not let in: ${decided.text}`);
}

export function enrolApproved(
  fixture: BrokerFixture,
  { csr, deviceCode, privateKey }: AskingMachine,
): Promise<TestPeer> {
  return TestPeer.enrolWith(fixture, { csr, privateKey }, { kind: 'device-code', deviceCode });
}

/** As a client does: ask for the second key, seal, store. */
export async function putInEscrow(
  peer: TestPeer,
  masterKey: Uint8Array,
): Promise<{ escrowId: string; sealedKey: string; key: Uint8Array }> {
  const { body, code } = await peer.post<AskEscrowKeyAnswer>('/v1/escrow-keys', {});
  if (code !== undefined) throw new Error(`no second key: ${code}`);
  const { accountId, peerId } = peer.enrolled;
  const name = { accountId, escrowId: body.escrowId };
  const key = unwrapEscrowKey(body.wrappedKey, name, peer.key, peerId);
  const sealedKey = sealMasterKey(masterKey, { ...name, key }, randomBytes(12));
  const stored = await peer.post('/v1/escrow', { escrowId: body.escrowId, sealedKey });
  if (stored.code !== undefined) throw new Error(`not stored: ${stored.code}`);
  return { escrowId: body.escrowId, sealedKey, key };
}
