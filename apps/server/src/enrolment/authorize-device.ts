// A machine without a key asks to be enrolled: it gets a code for itself, and a code and a page for a person (RFC 8628 §3.2).
import { randomBytes, randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import {
  type DeviceAuthorizationAnswer,
  type DeviceAuthorizationRequest,
  decodeBase64url,
  encodeBase64url,
  KEY_BYTES,
  keyFingerprint,
  ProtocolError,
} from '#protocol';
import { CertificateAuthority } from '../certificates/certificate-authority.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { WebAddress } from '../platform/web-address.js';
import { insertGrant } from './device-grants.js';
import { makeUserCode } from './user-code.js';

/** With the most machines that may wait, a drawn code is taken once in two million times. */
const USER_CODES_TRIED_MAX = 3;

@Injectable()
export class AuthorizeDevice {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly authority: CertificateAuthority,
    private readonly webAddress: WebAddress,
  ) {}

  /**
   * network   where the machine asks from, as `networkOf` tells it
   * throws    csr_invalid | rate_exceeded | overloaded
   */
  async run(request: DeviceAuthorizationRequest, network: string): Promise<DeviceAuthorizationAnswer> {
    const csrDer = decodeBase64url(request.csr);
    if (csrDer === null) throw new ProtocolError('csr_invalid');
    const { publicKey } = await this.authority.checkRequest(csrDer);
    const { deviceEnrolmentLifeMs: expiresInMs, deviceEnrolmentPollMs: intervalMs } = this.settings.policy;
    const createdAtMs = this.clock.nowMs();
    const grant = {
      ...request,
      fingerprint: keyFingerprint(decodeBase64url(publicKey)!),
      network,
      createdAtMs,
      expiresAtMs: createdAtMs + expiresInMs,
    };
    const deviceCode = encodeBase64url(randomBytes(KEY_BYTES));
    const userCode = await this.database.write(async (db) => {
      for (let tried = 0; tried < USER_CODES_TRIED_MAX; tried++) {
        const userCode = makeUserCode(randomInt);
        if (await insertGrant(db, { ...grant, deviceCode, userCode })) return userCode;
      }
      throw new ProtocolError('overloaded');
    });
    this.log.info({ event: 'device_waits', purpose: request.purpose, name: request.name });
    const verificationUri = `${this.webAddress.origin}/enrol`;
    return {
      deviceCode,
      userCode,
      verificationUri,
      verificationUriComplete: `${verificationUri}?code=${userCode}`,
      expiresInMs,
      intervalMs,
    };
  }
}
