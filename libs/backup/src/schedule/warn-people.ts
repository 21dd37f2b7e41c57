// Tells people that a backup failed or is overdue: by their own program, by a webhook, once a day and not more often.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, postWebhook, writeFileDurably } from '#process';
import type { ClientConfig } from './client-config.js';
import { decideOverdue, type SetStanding, stateAfter, type WarningState } from './decide-overdue.js';
import { runHook } from './run-hook.js';
import { type BackupRun, hasSucceeded, RunLog } from './run-log.js';
import { failureWarning, hookVariables, overdueWarning, type Warning, webhookDocument } from './warning.js';

const stateSchema = z.object({ knownSinceMs: z.int(), warnedAtMs: z.record(z.string(), z.int()) });

/** The machine whose backups are looked at: its home and what it is called. */
export interface WarningHome {
  readonly path: string;
  readonly identity: { readonly name: string; readonly peerId: string };
}

export interface WarnOptions {
  readonly home: WarningHome;
  readonly config: ClientConfig;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Told in words when a hook or webhook could not do its work. */
  readonly onFault: (detail: string) => void;
}

/** How every set stands at present; nothing is told to anybody. */
export async function readStandings({ home, config, clock }: Pick<WarnOptions, 'home' | 'config' | 'clock'>) {
  const runs = await new RunLog(home.path).read();
  return decideOverdue(config, runs, await readState(home.path, clock.nowMs()), clock.nowMs());
}

/**
 * Warn of every set that is overdue, where nobody was warned for a day.
 *
 * returns   how the sets stand
 */
export async function warnOfOverdue(options: WarnOptions): Promise<SetStanding[]> {
  const { home, config, clock } = options;
  const runs = await new RunLog(home.path).read();
  const state = await readState(home.path, clock.nowMs());
  const standings = decideOverdue(config, runs, state, clock.nowMs());
  // Remembered before it is told: what keeps crashing while it tells does not tell without end.
  await writeFileDurably(statePathOf(home.path), `${JSON.stringify(stateAfter(state, standings, clock.nowMs()))}\n`);
  for (const standing of standings) {
    if (standing.isToBeTold) await tell(options, overdueWarning(machineOf(options), standing), config.hooks.onOverdue);
  }
  return standings;
}

/** Warn that a run failed. */
export async function warnOfFailure(options: WarnOptions, run: BackupRun): Promise<void> {
  const runs = await new RunLog(options.home.path).read();
  const lastSuccess = runs.findLast((other) => other.set === run.set && hasSucceeded(other)) ?? null;
  await tell(options, failureWarning(machineOf(options), run, lastSuccess), options.config.hooks.onFailure);
}

async function tell(options: WarnOptions, warning: Warning, argv: readonly string[] | undefined): Promise<void> {
  const { clock, environment, signal, config, onFault } = options;
  const { webhook: url, timeoutSeconds } = config.hooks;
  if (argv !== undefined) {
    const variables = hookVariables(warning);
    const ran = await runHook({ argv, variables, environment, timeoutMs: timeoutSeconds * 1_000, clock, signal });
    if (!ran.ok) onFault(`hook ${argv[0]} ${ran.detail}`);
  }
  if (url !== undefined) {
    const posted = await postWebhook({ url, document: webhookDocument(warning), clock, signal });
    if (!posted.ok) onFault(`webhook ${new URL(url).host}: ${posted.detail}`);
  }
}

function machineOf({ home, clock }: WarnOptions) {
  return { machine: home.identity.name, peerId: home.identity.peerId, atMs: clock.nowMs() };
}

const statePathOf = (homePath: string): string => join(homePath, 'client', 'warnings.json');

/** What cannot be read is forgotten: the worst of it is a warning too many. */
async function readState(homePath: string, nowMs: number): Promise<WarningState> {
  const nothing: WarningState = { knownSinceMs: nowMs, warnedAtMs: {} };
  try {
    const parsed = stateSchema.safeParse(JSON.parse(await readFile(statePathOf(homePath), 'utf8')));
    return parsed.success ? parsed.data : nothing;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    throw error;
  }
}
