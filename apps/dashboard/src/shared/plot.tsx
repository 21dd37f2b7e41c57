// A plot over time by uPlot: its legend tells the values under the pointer, and a table tells all of them.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatTime, formatUtc } from './format.js';
import { byteSteps, describePlot, type PlotData } from './plot-data.js';
import { Table } from './table.js';
import { whenThemeChanges } from './theme.js';

interface PlotParts {
  readonly title: string;
  readonly data: PlotData;
  readonly format: (value: number) => string;
  readonly isBytes?: boolean;
  /** The space under the first line is filled. */
  readonly isFilled?: boolean;
  readonly isStepped?: boolean;
  /** Values between whole numbers mean something. */
  readonly isFraction?: boolean;
  /** A day is told without its hour. */
  readonly isByDay?: boolean;
}

const HEIGHT = 220;
const COLOURS = ['--plot-1', '--plot-2', '--plot-3', '--plot-4', '--plot-5', '--plot-6'];

export function Plot(parts: PlotParts) {
  const { title, data, format } = parts;
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const [theme, setTheme] = useState(0);
  useEffect(() => whenThemeChanges(() => setTheme((before) => before + 1)), []);
  // What is drawn depends on these alone; the parts are new objects with every answer.
  const drawn = JSON.stringify([data, title, theme]);
  useEffect(() => {
    const element = place.current;
    if (element === null || drawn === '') return;
    const width = (): number => Math.max(200, element.clientWidth);
    const plot = new uPlot(optionsFor(parts, width(), setPointed), valuesOf(data), element);
    const resized = new ResizeObserver(() => plot.setSize({ width: width(), height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [drawn]);
  const index = pointed ?? data.atMs.length - 1;
  const atMs = data.atMs[index];
  const timeText = (ms: number): string => (parts.isByDay === true ? formatUtc(ms).slice(0, 10) : formatTime(ms));
  return (
    <figure class="plot">
      <figcaption>
        <span class="plot-title">{title}</span>
        <ul class="legend">
          {data.series.map(({ label, values }, i) => (
            <li key={label}>
              <span class={`swatch plot-${(i % COLOURS.length) + 1}`} aria-hidden="true" />
              {label} <strong>{valueText(values[index] ?? null, format)}</strong>
            </li>
          ))}
          {atMs !== undefined && <li class="fine">{timeText(atMs)}</li>}
        </ul>
      </figcaption>
      <div ref={place} class="canvas" role="img" aria-label={`${title}: ${describePlot(data, format)}`} />
      <details>
        <summary>{title} as a table</summary>
        <Table
          caption={title}
          rows={data.atMs.map((ms, i) => ({ ms, i })).reverse()}
          rowKey={({ ms }) => `${ms}`}
          columns={[
            { title: 'Time', cell: ({ ms }) => <span title={formatUtc(ms)}>{timeText(ms)}</span> },
            ...data.series.map(({ label, values }) => ({
              title: label,
              isNumber: true,
              cell: ({ i }: { i: number }) => valueText(values[i] ?? null, format),
            })),
          ]}
        />
      </details>
    </figure>
  );
}

/** Steps of an axis of numbers. */
const STEPS = [0.01, 0.1, 1, 10, 100, 1_000, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((power) => [power, 2 * power, 5 * power]);

/** Steps of an axis of days, in seconds. */
const DAYS = [1, 2, 5, 7, 14, 30, 60, 90, 180, 365].map((days) => days * 86_400);

/** `14:00`; `21 Nov` where the step is a day or more, or a day begins. */
function markOf(seconds: number, before: number | undefined, step: number, isByDay = false): string {
  const zone = isByDay ? { timeZone: 'UTC' } : {};
  const at = seconds * 1_000;
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', ...zone });
  const isNewDay = before === undefined || day.format(at) !== day.format(before * 1_000);
  if (step >= 86_400) return day.format(at);
  const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...zone }).format(at);
  return isNewDay ? `${time}\n${day.format(at)}` : time;
}

function valueText(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}

function valuesOf({ atMs, series }: PlotData): uPlot.AlignedData {
  return [atMs.map((ms) => ms / 1_000), ...series.map(({ values }) => [...values])];
}

function optionsFor(
  { data, format, isBytes, isFilled, isStepped, isFraction, isByDay }: PlotParts,
  width: number,
  point: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--fine'),
    grid: { stroke: colour('--soft'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const paths = isStepped === true ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    width,
    height: HEIGHT,
    // Days are of UTC, as the broker counts them.
    ...(isByDay === true && { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') }),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    padding: [8, 24, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.06 : 1] } },
    axes: [
      {
        ...axis,
        ...(isByDay === true && { incrs: DAYS }),
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((seconds, i) => markOf(seconds, splits[i - 1], step, isByDay)),
      },
      {
        ...axis,
        size: 72,
        values: (_plot, splits) => splits.map((value) => format(value)),
        ...(isBytes === true
          ? { splits: (_plot, _axis, _min, max) => byteSteps(max, 4) }
          : { incrs: STEPS.filter((step) => step >= 1 || isFraction === true) }),
      },
    ],
    series: [
      {},
      ...data.series.map(({ label }, i): uPlot.Series => {
        const stroke = colour(COLOURS[i % COLOURS.length]!);
        return {
          label,
          stroke,
          width: 2,
          spanGaps: false,
          points: { show: data.atMs.length < 3 },
          ...(isFilled === true && i === 0 && { fill: `${stroke}22` }),
          ...(paths !== undefined && { paths }),
        };
      }),
    ],
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
  };
}
