// GET /v1/admin/enrolment-keys, POST /v1/admin/enrolment-keys, POST /v1/admin/enrolment-keys/{enrolmentKeyId}/revoke
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { changeOne } from '#database';
import { type AccountId, formatTime, ProtocolError } from '#protocol';
import { AccountEntity } from '../../accounts/account.entity.js';
import { enrolmentKeyHash, insertEnrolmentKey } from '../../enrolment/enrolment-keys.js';
import type { PeerKind } from '../../peers/peer.entity.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { AdminRoute } from '../access/admin-route.js';
import { MakeChange } from '../changes/make-change.js';
import { type ReasonOnly, reasonOnly } from '../changes/reason-field.js';
import type { Page } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';
import {
  type CreatedEnrolmentKeyAnswer,
  type CreateEnrolmentKeyRequest,
  createdEnrolmentKey,
  createEnrolmentKeyRequest,
  type EnrolmentKeysQuery,
  enrolmentKeyPage,
  enrolmentKeysQuery,
  type ListedEnrolmentKey,
  listedEnrolmentKey,
} from './enrolment-key-answers.js';

const SECOND_MS = 1_000;

interface EnrolmentKeyRow {
  key_hash: string;
  account_id: AccountId | null;
  purpose: PeerKind;
  uses_left: number | string;
  expires_at_ms: number | string;
  created_at_ms: number | string;
  revoked_at_ms: number | string | null;
}

@Controller('v1/admin/enrolment-keys')
export class AdminEnrolmentKeysController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly changes: MakeChange,
  ) {}

  @Get()
  @AdminRoute({ role: 'support', answers: enrolmentKeyPage })
  list(@Query({ schema: enrolmentKeysQuery }) query: EnrolmentKeysQuery): Promise<Page<ListedEnrolmentKey>> {
    const list = {
      select: 'SELECT * FROM enrolment_keys',
      filters: [['account_id = ?', query.account]],
      order: [
        { column: 'created_at_ms', kind: 'number' },
        { column: 'key_hash', kind: 'text' },
      ],
      newestFirst: true,
    } as const;
    return readPage<EnrolmentKeyRow, ListedEnrolmentKey>(this.database.reads, list, query, listedFrom);
  }

  /** The answer holds the key, which is told nowhere else. */
  @Post()
  @AdminRoute({ role: 'support', answers: createdEnrolmentKey, changes: true })
  create(
    @CurrentAdmin() admin: AdminCaller,
    @Body({ schema: createEnrolmentKeyRequest }) request: CreateEnrolmentKeyRequest,
  ): Promise<CreatedEnrolmentKeyAnswer> {
    const { uses, lifeSeconds, account: accountId, purpose, reason } = request;
    return this.changes.run(admin, reason, async (db, nowMs) => {
      const isUnknown = accountId !== null && !(await db.existsBy(AccountEntity, { id: accountId }));
      if (isUnknown) throw new ProtocolError('account_unknown');
      const options = { uses, lifeMs: lifeSeconds * SECOND_MS, accountId, purpose };
      const { key, expiresAtMs } = await insertEnrolmentKey(db, options, nowMs);
      const enrolmentKeyId = enrolmentKeyHash(key);
      return {
        answer: {
          key,
          enrolmentKeyId,
          accountId,
          purpose,
          usesLeft: uses,
          createdAt: formatTime(nowMs),
          expiresAt: formatTime(expiresAtMs),
          revokedAt: null,
        },
        logged: {
          action: 'enrolment-key.create',
          subject: `enrolment-key/${enrolmentKeyId}`,
          details: { uses, lifeSeconds, accountId, purpose },
        },
      };
    });
  }

  @Post(':enrolmentKeyId/revoke')
  @AdminRoute({ role: 'support', answers: listedEnrolmentKey, changes: true })
  revoke(
    @CurrentAdmin() admin: AdminCaller,
    @Param('enrolmentKeyId') enrolmentKeyId: string,
    @Body({ schema: reasonOnly }) { reason }: ReasonOnly,
  ): Promise<ListedEnrolmentKey> {
    return this.changes.run(admin, reason, async (db, nowMs) => {
      // Without uses it lets nobody in, whichever process looks at it.
      const isNew = await changeOne(
        db,
        'UPDATE enrolment_keys SET uses_left = 0, revoked_at_ms = $1 WHERE key_hash = $2 AND revoked_at_ms IS NULL',
        [nowMs, enrolmentKeyId],
      );
      const [row] = await db.query<EnrolmentKeyRow[]>('SELECT * FROM enrolment_keys WHERE key_hash = $1', [
        enrolmentKeyId,
      ]);
      if (row === undefined) throw new ProtocolError('enrolment_key_unknown');
      const subject = `enrolment-key/${enrolmentKeyId}`;
      return {
        answer: listedFrom(row),
        logged: isNew ? { action: 'enrolment-key.revoke', subject, details: {} } : null,
      };
    });
  }
}

function listedFrom(row: EnrolmentKeyRow): ListedEnrolmentKey {
  return {
    enrolmentKeyId: row.key_hash,
    accountId: row.account_id,
    purpose: row.purpose,
    usesLeft: Number(row.uses_left),
    createdAt: formatTime(Number(row.created_at_ms)),
    expiresAt: formatTime(Number(row.expires_at_ms)),
    revokedAt: row.revoked_at_ms === null ? null : formatTime(Number(row.revoked_at_ms)),
  };
}
