// GET /v1/admin/policies, GET and PUT /v1/admin/policies/current, GET /v1/admin/policies/{version}
import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { formatTime, ProtocolError } from '#protocol';
import { parsePolicy } from '../../config/policy.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { Settings } from '../../platform/settings.js';
import { type AdminCaller, CurrentAdmin } from '../access/admin-caller.js';
import { AdminRoute } from '../access/admin-route.js';
import type { Page } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';
import {
  type CurrentPolicy,
  currentPolicy,
  type ListedVersion,
  type PoliciesQuery,
  type PolicyChange,
  policiesQuery,
  policyChange,
  type SetPolicyQuery,
  type SetPolicyRequest,
  setPolicyQuery,
  setPolicyRequest,
  type ToldVersion,
  toldVersion,
  versionPage,
} from './policy-answers.js';
import {
  findLatestVersion,
  findVersion,
  type PolicyVersion,
  type PolicyVersionRow,
  policyVersionFrom,
} from './policy-versions.js';
import { fieldsThatWait } from './restart-fields.js';
import { SetPolicy } from './set-policy.js';

@Controller('v1/admin/policies')
export class PoliciesController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly settings: Settings,
    private readonly setPolicy: SetPolicy,
  ) {}

  @Get()
  @AdminRoute({ role: 'viewer', answers: versionPage })
  list(@Query({ schema: policiesQuery }) query: PoliciesQuery): Promise<Page<ListedVersion>> {
    const list = {
      select: 'SELECT * FROM policy_versions',
      filters: [],
      order: [{ column: 'version', kind: 'number' }],
      newestFirst: true,
    } as const;
    return readPage<PolicyVersionRow, ListedVersion>(this.database.reads, list, query, (row) =>
      listedFrom(policyVersionFrom(row)),
    );
  }

  @Get('current')
  @AdminRoute({ role: 'viewer', answers: currentPolicy })
  async current(): Promise<CurrentPolicy> {
    const latest = await findLatestVersion(this.database.reads);
    if (latest === null) throw new ProtocolError('policy_version_unknown');
    const policy = parsePolicy(latest.written);
    return { ...toldFrom(latest), policy, waitsForRestart: fieldsThatWait(policy, this.settings.policy) };
  }

  @Get(':version')
  @AdminRoute({ role: 'viewer', answers: toldVersion })
  async one(@Param('version') version: string): Promise<ToldVersion> {
    const found = /^[1-9]\d{0,8}$/.test(version) ? await findVersion(this.database.reads, Number(version)) : null;
    if (found === null) throw new ProtocolError('policy_version_unknown');
    return toldFrom(found);
  }

  @Put('current')
  @AdminRoute({ role: 'operator', answers: policyChange, changes: true })
  set(
    @CurrentAdmin() admin: AdminCaller,
    @Query({ schema: setPolicyQuery }) { dryRun }: SetPolicyQuery,
    @Body({ schema: setPolicyRequest }) request: SetPolicyRequest,
  ): Promise<PolicyChange> {
    return dryRun === 'true' ? this.setPolicy.dryRun(request) : this.setPolicy.set(admin, request);
  }
}

function listedFrom({ version, origin, madeBy, reason, atMs }: PolicyVersion): ListedVersion {
  return { version, origin, madeBy, reason, at: formatTime(atMs) };
}

function toldFrom(version: PolicyVersion): ToldVersion {
  return { ...listedFrom(version), written: version.written as ToldVersion['written'] };
}
