// Axes: round ticks, and numbers as people read them. Pure.

export interface Scale {
  readonly ticks: readonly number[];
  /** From 0 at the low end to 1 at the high end; null for what a logarithmic axis cannot show. */
  at(value: number): number | null;
}

const ROUND_STEPS = [1, 2, 5, 10];

/** From 0 to a round number that is not below `max`, with some `wanted` steps. */
export function linearScale(max: number, wanted = 4): Scale {
  const rough = (max > 0 ? max : 1) / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ROUND_STEPS.find((round) => round * magnitude >= rough * (1 - 1e-9))!;
  const count = Math.max(1, Math.ceil((max / step) * (1 - 1e-9)));
  const ticks = Array.from({ length: count + 1 }, (_, tick) => tick * step);
  return { ticks, at: (value) => value / (count * step) };
}

/** Whole powers of ten around the values; at most about six of them have a tick. */
export function logScale(min: number, max: number): Scale {
  const low = Math.floor(Math.log10(min) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(max) - 1e-9));
  const every = Math.ceil((high - low) / 6);
  const ticks: number[] = [];
  for (let power = high; power >= low; power -= every) ticks.unshift(10 ** power);
  return { ticks, at: (value) => (value > 0 ? (Math.log10(value) - low) / (high - low) : null) };
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** 1500000 is 1.5 M. */
export function withPrefix(value: number, unit: string): string {
  const steps = value === 0 ? 0 : Math.min(PREFIXES.length - 1, Math.max(0, Math.floor(Math.log10(value) / 3 + 1e-9)));
  return `${Number((value / 1_000 ** steps).toPrecision(3))} ${PREFIXES[steps]}${unit}`.trimEnd();
}

/** 0.01 is 1 %. */
export function asPercent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
