// A machine without a key, for tests of the broker: asks for approval, then asks whether it may come in.
import request from 'supertest';
import {
  type DeviceAuthorizationAnswer,
  type DeviceAuthorizationRequest,
  deviceAuthorizationAnswer,
  type ProblemDocument,
} from '#protocol';
import type { BrokerFixture } from './broker-fixture.js';
import { enrol, makeIdentity } from './test-peer.js';

export interface WaitingMachine {
  readonly csr: string;
  readonly asked: DeviceAuthorizationAnswer;
}

/** Ask, with fields that may be wrong. */
export async function authorize(
  fixture: BrokerFixture,
  changes: Partial<Record<keyof DeviceAuthorizationRequest, string>>,
): Promise<{ status: number; body: DeviceAuthorizationAnswer & ProblemDocument }> {
  return request(fixture.url)
    .post('/v1/device-authorizations')
    .ca(await fixture.caPem())
    .send({ name: 'box', purpose: 'host', program: 'peerkeep-agent', ...changes });
}

export async function machineAsks(fixture: BrokerFixture): Promise<WaitingMachine> {
  const { csr } = await makeIdentity();
  const { status, body } = await authorize(fixture, { csr });
  if (status !== 200) throw new Error(`the machine was refused: ${body.code}`);
  return { csr, asked: deviceAuthorizationAnswer.parse(body) };
}

/** The status of success, or the code of the refusal. */
export async function poll(
  fixture: BrokerFixture,
  { csr, asked }: WaitingMachine,
  name = 'box',
): Promise<string | number> {
  const credential = { kind: 'device-code', deviceCode: asked.deviceCode } as const;
  const { code, status } = await enrol(fixture, { csr, name, credential });
  return code ?? status;
}
