// From rows of a table to what a plot draws, and to the text that stands beside it. Pure.

export interface PlotSeries {
  readonly label: string;
  /** Of the values of this series in the order of the times; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

export interface PlotData {
  /** Unix ms, ascending. */
  readonly atMs: readonly number[];
  readonly series: readonly PlotSeries[];
}

/** One series for each reader of a row. */
export function plotDataOf<R>(
  rows: readonly R[],
  atMs: (row: R) => number,
  readers: Readonly<Record<string, (row: R) => number | null>>,
): PlotData {
  const sorted = [...rows].sort((a, b) => atMs(a) - atMs(b));
  return {
    atMs: sorted.map(atMs),
    series: Object.entries(readers).map(([label, read]) => ({ label, values: sorted.map(read) })),
  };
}

/** Rows with a day, a group and a number become one series for each group; a day without a row of the group is 0. */
export function plotDataByGroup<R>(
  rows: readonly R[],
  read: (row: R) => { readonly day: string; readonly group: string; readonly value: number },
): PlotData {
  const cells = rows.map(read);
  const days = [...new Set(cells.map(({ day }) => day))].sort();
  const groups = [...new Set(cells.map(({ group }) => group))].sort();
  const sums = new Map<string, number>();
  for (const { day, group, value } of cells) {
    const key = `${day} ${group}`;
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return {
    atMs: days.map((day) => Date.parse(`${day}T00:00:00Z`)),
    series: groups.map((label) => ({ label, values: days.map((day) => sums.get(`${day} ${label}`) ?? 0) })),
  };
}

/** What a reader who does not see the plot is told of it: each series from its first to its last value, and its most. */
export function describePlot({ atMs, series }: PlotData, format: (value: number) => string): string {
  if (atMs.length === 0) return 'no data yet';
  const told = series.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${label}: nothing known`;
    const [first, last] = [known[0]!, known[known.length - 1]!];
    return `${label}: from ${format(first)} to ${format(last)}, at most ${format(Math.max(...known))}`;
  });
  return `${atMs.length} points; ${told.join('; ')}`;
}

/** Marks of an axis of bytes: steps of 1, 2 or 5 of a unit of 1,024, at most so many. */
export function byteSteps(max: number, marks: number): number[] {
  if (!(max > 0)) return [0];
  let unit = 1;
  while (max / unit >= 1_024) unit *= 1_024;
  const wanted = max / unit / marks;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= wanted)! * unit;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
}
