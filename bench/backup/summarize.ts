// Turns rounds into figures: rates, medians over rounds, and the ratio of each program to restic. Pure.
import type { Phase } from './phase.js';
import type { ProcessUsage } from './process-usage.js';
import { PHASES, type PhaseName, type Round } from './run-round.js';

const GiB = 1024 ** 3;

export interface PhaseFigures {
  readonly seconds: number;
  /** MB (10^6 bytes) of source a second. */
  readonly megabytesPerSecond: number;
  readonly filesPerSecond: number;
  /** Of all processes. */
  readonly cpuSeconds: number;
  readonly cpuSecondsPerGiB: number;
  readonly clientCpuSeconds: number;
  readonly clientPeakMegabytes: number;
  /** Of all processes, temporary files included. */
  readonly writtenMegabytes: number;
  /** Requests to the broker, by everybody; null where there is no broker. */
  readonly brokerRequests: number | null;
  readonly brokerRequestsPerGiB: number | null;
}

type DetailedFigures = PhaseFigures & { readonly processes: Readonly<Record<string, ProcessUsage>> };

export interface Figures {
  /** Bytes that the repository keeps after the first backup for each byte of source. */
  readonly keptPerSourceByte: number;
  readonly phases: Readonly<Record<PhaseName, DetailedFigures>>;
}

export interface SourceSize {
  readonly bytes: number;
  readonly files: number;
}

export function figuresOf(round: Round, source: SourceSize): Figures {
  return {
    keptPerSourceByte: rounded(round.keptBytes / source.bytes, 3),
    phases: byPhase((phase) => phaseFiguresOf(round.phases[phase], source)),
  };
}

/** Medians of each program over its rounds; and where restic was run, each to it. */
export function compareFigures(results: Readonly<Record<string, readonly Figures[]>>): object {
  const medians = Object.fromEntries(
    Object.entries(results).map(([name, rounds]) => [
      name,
      {
        keptPerSourceByte: median(rounds.map((round) => round.keptPerSourceByte)),
        phases: byPhase((phase) => mediansOf(rounds.map((round) => round.phases[phase]))),
      },
    ]),
  );
  const { restic } = medians;
  if (restic === undefined) return { medians, rounds: results };
  const others = Object.entries(medians).filter(([name]) => name !== 'restic');
  const toRestic = Object.fromEntries(
    others.map(([name, { phases }]) => [name, byPhase((phase) => ratiosOf(phases[phase], restic.phases[phase]))]),
  );
  return { medians, toRestic, rounds: results };
}

function phaseFiguresOf(phase: Phase, source: SourceSize): DetailedFigures {
  const used = Object.values(phase.processes);
  const client = phase.processes.client!;
  const cpuSeconds = sum(used.map((usage) => usage.cpuSeconds));
  const perGiB = (value: number): number => rounded((value * GiB) / source.bytes, 2);
  return {
    seconds: rounded(phase.seconds, 2),
    megabytesPerSecond: rounded(source.bytes / 1e6 / phase.seconds, 1),
    filesPerSecond: rounded(source.files / phase.seconds, 0),
    cpuSeconds: rounded(cpuSeconds, 2),
    cpuSecondsPerGiB: perGiB(cpuSeconds),
    clientCpuSeconds: rounded(client.cpuSeconds, 2),
    clientPeakMegabytes: rounded(client.peakMegabytes, 1),
    writtenMegabytes: rounded(sum(used.map((usage) => usage.writtenMegabytes)), 1),
    brokerRequests: phase.brokerRequests,
    brokerRequestsPerGiB: phase.brokerRequests === null ? null : perGiB(phase.brokerRequests),
    processes: Object.fromEntries(Object.entries(phase.processes).map(([name, usage]) => [name, roundedUsage(usage)])),
  };
}

function mediansOf(phases: readonly DetailedFigures[]): PhaseFigures {
  const of = (figure: keyof PhaseFigures): number => median(phases.map((phase) => phase[figure] ?? 0));
  const hasBroker = phases.every(({ brokerRequests }) => brokerRequests !== null);
  return {
    seconds: of('seconds'),
    megabytesPerSecond: of('megabytesPerSecond'),
    filesPerSecond: of('filesPerSecond'),
    cpuSeconds: of('cpuSeconds'),
    cpuSecondsPerGiB: of('cpuSecondsPerGiB'),
    clientCpuSeconds: of('clientCpuSeconds'),
    clientPeakMegabytes: of('clientPeakMegabytes'),
    writtenMegabytes: of('writtenMegabytes'),
    brokerRequests: hasBroker ? of('brokerRequests') : null,
    brokerRequestsPerGiB: hasBroker ? of('brokerRequestsPerGiB') : null,
  };
}

/** Above 1: more speed (restic's time by ours), more processor time, more memory than restic. */
function ratiosOf(ours: PhaseFigures, restic: PhaseFigures): object {
  return {
    speed: rounded(restic.seconds / ours.seconds, 2),
    cpuSeconds: rounded(ours.cpuSeconds / restic.cpuSeconds, 2),
    clientCpuSeconds: rounded(ours.clientCpuSeconds / restic.clientCpuSeconds, 2),
    clientPeakMegabytes: rounded(ours.clientPeakMegabytes / restic.clientPeakMegabytes, 2),
  };
}

function byPhase<T>(of: (phase: PhaseName) => T): Record<PhaseName, T> {
  return Object.fromEntries(PHASES.map((phase) => [phase, of(phase)])) as Record<PhaseName, T>;
}

function roundedUsage(usage: ProcessUsage): ProcessUsage {
  return {
    cpuSeconds: rounded(usage.cpuSeconds, 2),
    peakMegabytes: rounded(usage.peakMegabytes, 1),
    writtenMegabytes: rounded(usage.writtenMegabytes, 1),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The middle value; with an even count the mean of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)]!;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!;
  return rounded((lower + upper) / 2, 3);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
