// Turns rounds into figures: rates, medians over rounds, and the ratio of ours to the peer's. Pure.
import type { Phase, Round } from './phase.js';
import type { ProcessUsage } from './process-usage.js';

export interface PhaseFigures {
  readonly seconds: number;
  /** MB (10^6 bytes) of source a second. */
  readonly megabytesPerSecond: number;
  /** Of all processes, temporary files included. */
  readonly writtenMegabytes: number;
  /** Of all processes. */
  readonly cpuSeconds: number;
  readonly clientCpuSeconds: number;
  readonly clientPeakMegabytes: number;
  readonly processes: Readonly<Record<string, ProcessUsage>>;
}

export interface Figures {
  /** Bytes that the repository keeps for each byte of source. */
  readonly keptPerSourceByte: number;
  /** MB that the repository keeps, redundancy included, for each second of the backup. */
  readonly keptMegabytesPerSecond: number;
  readonly backup: PhaseFigures;
  readonly restore: PhaseFigures;
}

const MEDIANS = [
  'seconds',
  'megabytesPerSecond',
  'writtenMegabytes',
  'cpuSeconds',
  'clientCpuSeconds',
  'clientPeakMegabytes',
] as const;
type Medians = Record<(typeof MEDIANS)[number], number>;
const COMPARED = ['megabytesPerSecond', 'cpuSeconds', 'clientCpuSeconds', 'clientPeakMegabytes'] as const;
const PHASES = ['backup', 'restore'] as const;

export function figuresOf(round: Round, sourceBytes: number): Figures {
  return {
    keptPerSourceByte: rounded(round.keptBytes / sourceBytes, 3),
    keptMegabytesPerSecond: rounded(round.keptBytes / 1e6 / round.backup.seconds, 1),
    backup: phaseFiguresOf(round.backup, sourceBytes),
    restore: phaseFiguresOf(round.restore, sourceBytes),
  };
}

/** Medians of each program; and, where both were run, ours to the peer's: above 1 means more MB a second, CPU, memory. */
export function compareFigures(results: Readonly<Record<string, readonly Figures[]>>): object {
  const medians = Object.fromEntries(
    Object.entries(results).map(([name, rounds]) => [
      name,
      {
        keptPerSourceByte: median(rounds.map((round) => round.keptPerSourceByte)),
        keptMegabytesPerSecond: median(rounds.map((round) => round.keptMegabytesPerSecond)),
        backup: mediansOf(rounds.map((round) => round.backup)),
        restore: mediansOf(rounds.map((round) => round.restore)),
      },
    ]),
  );
  const { peerkeep, restic } = medians;
  const ratios = peerkeep === undefined || restic === undefined ? null : ratiosOf(peerkeep, restic);
  return { medians, peerkeepToRestic: ratios, rounds: results };
}

function phaseFiguresOf(phase: Phase, sourceBytes: number): PhaseFigures {
  const used = Object.values(phase.processes);
  const client = phase.processes.client!;
  return {
    seconds: rounded(phase.seconds, 2),
    megabytesPerSecond: rounded(sourceBytes / 1e6 / phase.seconds, 1),
    writtenMegabytes: rounded(sum(used.map((usage) => usage.writtenMegabytes)), 1),
    cpuSeconds: rounded(sum(used.map((usage) => usage.cpuSeconds)), 2),
    clientCpuSeconds: rounded(client.cpuSeconds, 2),
    clientPeakMegabytes: rounded(client.peakMegabytes, 1),
    processes: Object.fromEntries(Object.entries(phase.processes).map(([name, usage]) => [name, roundedUsage(usage)])),
  };
}

function mediansOf(phases: readonly PhaseFigures[]): Medians {
  return Object.fromEntries(MEDIANS.map((figure) => [figure, median(phases.map((phase) => phase[figure]))])) as Medians;
}

interface ProgramMedians {
  readonly keptMegabytesPerSecond: number;
  readonly backup: Medians;
  readonly restore: Medians;
}

function ratiosOf(ours: ProgramMedians, theirs: ProgramMedians): object {
  const phases = PHASES.map((phase) => {
    const ratios = COMPARED.map((figure) => [figure, rounded(ours[phase][figure] / theirs[phase][figure], 2)]);
    return [phase, Object.fromEntries(ratios)];
  });
  return {
    keptMegabytesPerSecond: rounded(ours.keptMegabytesPerSecond / theirs.keptMegabytesPerSecond, 2),
    ...Object.fromEntries(phases),
  };
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
