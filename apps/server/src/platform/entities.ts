// The tables that are read and written row by row. What moves in bulk (shards, transactions, ledger) is plain SQL.
import { AccountEntity } from '../accounts/account.entity.js';
import { MailLinkEntity } from '../accounts/mail-link.entity.js';
import { AuditScoreEntity, PendingAuditEntity } from '../audits/audit-entities.js';
import { DeviceGrantEntity } from '../enrolment/device-grant.entity.js';
import { EnrolmentKeyEntity } from '../enrolment/enrolment-key.entity.js';
import { EscrowEntity } from '../escrow/escrow.entity.js';
import { EscrowRecoveryEntity } from '../escrow/escrow-recovery.entity.js';
import { TransactionKeyEntity } from '../keys/transaction-key.entity.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { HostProbeEntity } from '../probes/host-probe.entity.js';
import { RelayEntity } from '../relays/relay.entity.js';
import { SessionEntity } from '../sessions/session.entity.js';

export const brokerEntities = [
  AccountEntity,
  AuditScoreEntity,
  DeviceGrantEntity,
  EnrolmentKeyEntity,
  EscrowEntity,
  EscrowRecoveryEntity,
  HostProbeEntity,
  MailLinkEntity,
  PeerEntity,
  PendingAuditEntity,
  RelayEntity,
  SessionEntity,
  TransactionKeyEntity,
];
