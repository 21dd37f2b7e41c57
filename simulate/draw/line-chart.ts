// Draws a line chart as SVG text: title, axes with units, a legend, readable on light and on dark pages. Pure.
import { linearScale, logScale, type Scale } from './scale.js';

export interface Line {
  readonly name: string;
  /** As many as the chart has days. */
  readonly values: readonly number[];
}

export interface LineChart {
  readonly title: string;
  /** What the upright axis counts, with its unit. */
  readonly measure: string;
  readonly days: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly isLogarithmic?: boolean;
}

const WIDTH = 640;
const HEIGHT = 320;
const PLOT = { left: 76, right: 620, top: 78, bottom: 272 };
const LEGEND_STEP = 132;

/** Told apart with any colour vision, and by their dashes in print; after M. Okabe and K. Ito, "Color Universal Design" (2008). */
const STYLES = [
  { light: '#0062a3', dark: '#62b5f0', dash: '' },
  { light: '#b34a00', dark: '#ff9a4d', dash: '7 3' },
  { light: '#00704f', dark: '#3ecf9e', dash: '2 3' },
  { light: '#8f3a74', dark: '#e79bce', dash: '9 3 2 3' },
  { light: '#6b5b00', dark: '#e5cf4f', dash: '4 4' },
] as const;

export function drawLineChart(chart: LineChart): string {
  const across = linearScale(Math.max(1, ...chart.days), 6);
  const up = scaleOf(chart);
  const parts = [
    `<text class="title" x="16" y="26">${escaped(chart.title)}</text>`,
    `<text class="note" x="16" y="46">${escaped(chart.measure)}</text>`,
    ...chart.lines.map(({ name }, number) => legend(name, number)),
    ...up.ticks.map((tick) => horizontal(up.at(tick)!, chart.format(tick))),
    ...across.ticks.filter((tick) => across.at(tick)! <= 1).map((tick) => downward(across.at(tick)!, String(tick))),
    `<text class="note" x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 12}" text-anchor="middle">days</text>`,
    ...chart.lines.map((line, number) => path(line, number, chart.days, across, up)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(chart.title)}">
<style>${styleSheet(chart.lines.length)}</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="6"/>
${parts.join('\n')}
</svg>
`;
}

function scaleOf({ lines, isLogarithmic }: LineChart): Scale {
  const values = lines.flatMap((line) => line.values);
  const positive = values.filter((value) => value > 0);
  if (isLogarithmic === true && positive.length > 0) return logScale(Math.min(...positive), Math.max(...positive));
  return linearScale(Math.max(0, ...values));
}

function legend(name: string, number: number): string {
  const x = PLOT.left + number * LEGEND_STEP - 60;
  return `<path class="line l${number}" d="M${x} 62h22"/><text class="note" x="${x + 28}" y="66">${escaped(name)}</text>`;
}

function horizontal(at: number, label: string): string {
  const y = round(PLOT.bottom - at * (PLOT.bottom - PLOT.top));
  const text = `<text class="tick" x="${PLOT.left - 8}" y="${round(y + 4)}" text-anchor="end">${escaped(label)}</text>`;
  return `<path class="grid" d="M${PLOT.left} ${y}H${PLOT.right}"/>${text}`;
}

function downward(at: number, label: string): string {
  const x = round(PLOT.left + at * (PLOT.right - PLOT.left));
  const text = `<text class="tick" x="${x}" y="${PLOT.bottom + 18}" text-anchor="middle">${escaped(label)}</text>`;
  return `<path class="axis" d="M${x} ${PLOT.bottom}v5"/>${text}`;
}

/** What a logarithmic axis cannot show is a gap. */
function path({ values }: Line, number: number, days: readonly number[], across: Scale, up: Scale): string {
  let isDrawing = false;
  let d = '';
  for (const [point, value] of values.entries()) {
    const height = up.at(value);
    if (height === null) {
      isDrawing = false;
      continue;
    }
    const x = round(PLOT.left + across.at(days[point]!)! * (PLOT.right - PLOT.left));
    const y = round(PLOT.bottom - height * (PLOT.bottom - PLOT.top));
    // A point between gaps is a dot.
    d += isDrawing ? `L${x} ${y}` : `M${round(x - 1)} ${y}h2`;
    isDrawing = true;
  }
  return `<path class="line l${number}" d="${d}"/>`;
}

function styleSheet(lines: number): string {
  const styles = STYLES.slice(0, lines);
  const colours = (mode: 'light' | 'dark'): string =>
    styles.map((style, number) => `.l${number}{stroke:${style[mode]}}`).join('');
  const dashes = styles
    .map(({ dash }, number) => (dash === '' ? '' : `.l${number}{stroke-dasharray:${dash}}`))
    .join('');
  return [
    'text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:16px;font-weight:600;fill:#111}',
    '.page{fill:#fff}.grid{stroke:#ddd}.axis{stroke:#888}.line{fill:none;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}',
    `${colours('light')}${dashes}`,
    '@media (prefers-color-scheme:dark){text{fill:#ccc}.title{fill:#fff}.page{fill:#16181d}.grid{stroke:#33363d}.axis{stroke:#777}',
    `${colours('dark')}}`,
  ].join('');
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
