// Sets another version of the policy, which the running broker takes at once; or tells what that would change.
import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { type Policy, parsePolicy } from '../../config/policy.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { Settings } from '../../platform/settings.js';
import type { AdminCaller } from '../access/admin-caller.js';
import { MakeChange } from '../changes/make-change.js';
import { changedFields } from './compare-policies.js';
import { decidePolicyEffect } from './decide-policy-effect.js';
import type { PolicyChange, SetPolicyRequest } from './policy-answers.js';
import { findLatestVersion, insertVersion, type PolicyVersion } from './policy-versions.js';
import { fieldsThatWait, runningPolicy } from './restart-fields.js';
import { surveyNetwork } from './survey-network.js';

@Injectable()
export class SetPolicy {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly settings: Settings,
    private readonly changes: MakeChange,
    private readonly clock: Clock,
  ) {}

  /** throws policy_invalid | policy_changed */
  async dryRun({ policy: written, basedOn }: SetPolicyRequest): Promise<PolicyChange> {
    const next = parsePolicy(written);
    const latest = await latestFor(this.database.reads, basedOn);
    return { version: null, ...(await this.tell(next, latest)) };
  }

  /** In force when this resolves, but for the fields that wait for a restart. throws policy_invalid | policy_changed */
  async set(admin: AdminCaller, { policy: written, basedOn, reason }: SetPolicyRequest): Promise<PolicyChange> {
    const next = parsePolicy(written);
    // Looked at outside the unit: a survey takes long, and others write meanwhile.
    const latest = await findLatestVersion(this.database.reads);
    const told = latest?.version === basedOn ? await this.tell(next, latest) : null;
    return this.changes.run(admin, reason, async (db, atMs) => {
      await latestFor(db, basedOn);
      if (told === null) throw new ProtocolError('policy_changed', { version: basedOn });
      const version = basedOn + 1;
      await insertVersion(db, { version, origin: 'admin', written, madeBy: admin.key.id, reason, atMs });
      const sha256 = createHash('sha256').update(JSON.stringify(written)).digest('base64url');
      const details = { basedOn, sha256, fields: told.changes.map(({ field }) => field) };
      return {
        answer: { version, ...told },
        logged: { action: 'policy.set', subject: `policy/${version}`, details },
        committed: () => this.settings.takePolicy(runningPolicy(next, this.settings.policy)),
      };
    });
  }

  private async tell(next: Policy, latest: PolicyVersion): Promise<Omit<PolicyChange, 'version'>> {
    const running = this.settings.policy;
    const effect = decidePolicyEffect(await surveyNetwork(this.database.reads, this.clock.nowMs()), running, next);
    return {
      changes: changedFields(parsePolicy(latest.written), next) as PolicyChange['changes'],
      waitsForRestart: fieldsThatWait(next, running),
      effect: { ...effect, redundancy: [...effect.redundancy] },
    };
  }
}

/** throws policy_changed unless this is the latest version */
async function latestFor(db: EntityManager, basedOn: number): Promise<PolicyVersion> {
  const latest = await findLatestVersion(db);
  if (latest?.version !== basedOn) throw new ProtocolError('policy_changed', { version: latest?.version ?? 0 });
  return latest;
}
