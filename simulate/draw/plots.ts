// The plots of one simulation, by the name of their file. Pure.
import type { World } from '../network/world.js';
import type { Point, Recording } from '../recording.js';
import { drawLineChart } from './line-chart.js';
import { asPercent, withPrefix } from './scale.js';

export function drawPlots({ options, code }: World, { points }: Recording): ReadonlyMap<string, string> {
  const days = points.map(({ day }) => day);
  const values = (of: (point: Point) => number): number[] => points.map(of);
  const network = `${withPrefix(options.peers, '')} peers, ${code.dataShards} of ${code.totalShards}, ${asPercent(options.churn)} of the peers lost a year`;
  const bytes = (value: number): string => withPrefix(value, 'B');
  return new Map([
    [
      'shards.svg',
      drawLineChart({
        title: 'Objects that lack good shards',
        measure: `share of the objects, logarithmic; ${network}`,
        days,
        format: asPercent,
        isLogarithmic: true,
        lines: [
          { name: 'one', values: values(({ lacking }) => lacking[1]) },
          { name: 'two', values: values(({ lacking }) => lacking[2]) },
          { name: 'three or more', values: values(({ lacking }) => lacking[3]) },
        ],
      }),
    ],
    [
      'repair.svg',
      drawLineChart({
        title: 'Repair traffic',
        measure: `bytes read and written a day, in all; ${network}`,
        days,
        format: bytes,
        lines: [{ name: 'a day', values: values(({ repairBytesPerDay }) => repairBytesPerDay) }],
      }),
    ],
    [
      'credit.svg',
      drawLineChart({
        title: 'Credit that hosting moved',
        measure: `bytes of credit a day, in all; ${network}`,
        days,
        format: bytes,
        lines: (['earn', 'vest', 'lapse', 'withhold'] as const).map((kind) => ({
          name: kind,
          values: values(({ credit }) => credit[kind]),
        })),
      }),
    ],
    [
      'waiting.svg',
      drawLineChart({
        title: 'Repairs that wait',
        measure: `followed objects at the end of a day; ${network}`,
        days,
        format: (value) => withPrefix(value, ''),
        lines: [{ name: 'waiting', values: values(({ repairsWaiting }) => repairsWaiting) }],
      }),
    ],
  ]);
}
