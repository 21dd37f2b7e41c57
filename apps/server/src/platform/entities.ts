// The tables that are read and written row by row. What moves in bulk (shards, transactions, ledger) is plain SQL.
import { AccountEntity } from '../accounts/account.entity.js';
import { MailLinkEntity } from '../accounts/mail-link.entity.js';
import { DeviceGrantEntity } from '../enrolment/device-grant.entity.js';
import { EnrolmentKeyEntity } from '../enrolment/enrolment-key.entity.js';
import { TransactionKeyEntity } from '../keys/transaction-key.entity.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { SessionEntity } from '../sessions/session.entity.js';

export const brokerEntities = [
  AccountEntity,
  DeviceGrantEntity,
  EnrolmentKeyEntity,
  MailLinkEntity,
  PeerEntity,
  SessionEntity,
  TransactionKeyEntity,
];
