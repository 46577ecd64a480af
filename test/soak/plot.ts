import { METRICS, type Metric, type Sample } from './flat.js';

/** What a node held, and when, in seconds from the start. */
export type Series = readonly (readonly [second: number, sample: Sample])[];

const WIDTH = 720;
const HEIGHT = 110;
const LEFT = 70;
const COLORS = ['#c0392b', '#2471a3', '#1e8449'];
const UNITS: Readonly<Record<Metric, string>> = {
  heap: 'heap after GC, MB',
  rss: 'resident, MB',
  file: 'database file, MB',
  wal: 'write-ahead log, MB',
  handles: 'handles',
  timers: 'timers',
};

const scaled = (metric: Metric, value: number): number =>
  metric === 'handles' || metric === 'timers' ? value : value / (1024 * 1024);

/** An SVG of all metrics, one below the other. */
export function plot(nodes: ReadonlyMap<string, Series>, faults: readonly number[]): string {
  const seconds = Math.max(1, ...[...nodes.values()].map((series) => series.at(-1)?.[0] ?? 0));
  const x = (second: number): string =>
    (LEFT + (second / seconds) * (WIDTH - LEFT - 10)).toFixed(1);
  const parts: string[] = [];
  for (const [row, metric] of METRICS.entries()) {
    const top = 30 + row * (HEIGHT + 30);
    const values = [...nodes.values()].flatMap((series) =>
      series.map(([, sample]) => scaled(metric, sample[metric])),
    );
    const most = Math.max(1, ...values) * 1.1;
    const y = (value: number): string => (top + HEIGHT - (value / most) * HEIGHT).toFixed(1);
    parts.push(
      `<text x="${LEFT}" y="${top - 6}">${UNITS[metric]}</text>`,
      `<text x="${LEFT - 6}" y="${top + 10}" text-anchor="end">${most.toFixed(1)}</text>`,
      `<text x="${LEFT - 6}" y="${top + HEIGHT}" text-anchor="end">0</text>`,
      `<path d="M${LEFT} ${top}V${top + HEIGHT}H${WIDTH - 10}" fill="none" stroke="#888"/>`,
      ...faults.map((at) => `<path d="M${x(at)} ${top}v${HEIGHT}" stroke="#eee"/>`),
    );
    for (const [i, series] of [...nodes.values()].entries()) {
      const points = series.map(([at, sample]) => `${x(at)},${y(scaled(metric, sample[metric]))}`);
      parts.push(
        `<polyline points="${points.join(' ')}" fill="none" stroke="${COLORS[i] ?? '#000'}"/>`,
      );
    }
  }
  const height = 30 + METRICS.length * (HEIGHT + 30) + 10;
  const legend = [...nodes.keys()].map(
    (name, i) =>
      `<text x="${LEFT + i * 160}" y="${height - 6}" fill="${COLORS[i] ?? '#000'}">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${[...parts, ...legend].join('\n')}
</svg>
`;
}
