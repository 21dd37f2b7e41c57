// A machine that waits for a person's approval (RFC 8628). A row, so that a restart of the broker loses no approval.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId, EnrolmentPurpose } from '#protocol';
import { wholeNumber } from '../platform/columns.js';

export type DeviceGrantState = 'waiting' | 'approved' | 'refused';

@Entity('device_grants')
export class DeviceGrantEntity {
  /** Only the hash of the device code is stored: a stolen database enrols nobody. */
  @PrimaryColumn({ name: 'device_code_hash', type: 'text' })
  deviceCodeHash!: string;

  @Column({ name: 'user_code', type: 'text' })
  userCode!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  purpose!: EnrolmentPurpose;

  @Column({ type: 'text' })
  program!: string;

  /** PKCS #10, base64url, as it came: the enrolment must bring the same to the byte. */
  @Column({ type: 'text' })
  csr!: string;

  /** Of the key in that request, as terminal and page show it. */
  @Column({ type: 'text' })
  fingerprint!: string;

  /** Where the machine asks from, as `networkOf` tells networks apart. */
  @Column({ type: 'text' })
  network!: string;

  @Column({ type: 'text' })
  state!: DeviceGrantState;

  /** The account whose person typed the code last; only there may it be decided, and there the machine enrols. */
  @Column({ name: 'account_id', type: 'text', nullable: true })
  accountId!: AccountId | null;

  @Column(wholeNumber('created_at_ms'))
  createdAtMs!: number;

  @Column(wholeNumber('expires_at_ms'))
  expiresAtMs!: number;
}
