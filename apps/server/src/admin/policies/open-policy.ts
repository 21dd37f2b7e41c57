// Which policy a broker starts with: the last version, unless policy.json was changed since it was read last.
import { isDeepStrictEqual } from 'node:util';
import { isRefusal, ProtocolError } from '#protocol';
import { type Policy, parsePolicy } from '../../config/policy.js';
import type { BrokerDatabase } from '../../platform/broker-database.js';
import { appendLog } from '../log/append-log.js';
import { findLatestVersion, insertVersion } from './policy-versions.js';

const REASON = 'policy.json at the start of the broker';

/**
 * A file that is new, or another than at the last start, becomes a version: whoever edited it meant it. One that stayed the
 * same does not undo what was set through the admin interface since.
 *
 * written  policy.json, already parsed as JSON
 * throws   policy_invalid
 */
export async function openPolicy(database: BrokerDatabase, written: unknown, nowMs: number): Promise<Policy> {
  const ofFile = parsePolicy(written);
  const lastOfFile = await findLatestVersion(database.reads, 'file');
  if (lastOfFile !== null && isDeepStrictEqual(lastOfFile.written, asKept(written))) {
    const latest = await findLatestVersion(database.reads);
    return latest === null || latest.version === lastOfFile.version ? ofFile : parseKept(latest);
  }
  await database.write(async (db) => {
    const version = ((await findLatestVersion(db))?.version ?? 0) + 1;
    await insertVersion(db, { version, origin: 'file', written, madeBy: 'broker', reason: REASON, atMs: nowMs });
    const subject = `policy/${version}`;
    const details = { origin: 'file' };
    await appendLog(db, { actor: 'broker', action: 'policy.set', subject, reason: REASON, details }, nowMs);
  });
  return ofFile;
}

/** As it is when it has been a text: what is undefined is not there. */
function asKept(written: unknown): unknown {
  return JSON.parse(JSON.stringify(written));
}

/** A version that an older program wrote may be none for this one. */
function parseKept({ version, written }: { readonly version: number; readonly written: unknown }): Policy {
  try {
    return parsePolicy(written);
  } catch (error) {
    if (!isRefusal(error, 'policy_invalid')) throw error;
    const detail = `version ${version}, set through the admin interface: ${error.message}; change policy.json to begin anew`;
    throw new ProtocolError('policy_invalid', {}, { detail, cause: error });
  }
}
