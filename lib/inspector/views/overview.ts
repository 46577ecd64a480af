import type { HyperCacheHealth, HyperCacheStats } from '../../index.js';
import { chart, type Series } from '../chart.js';
import { formatBytes, formatCount, formatDuration, formatRate, formatRatio } from '../format.js';
import { markup, type Html } from '../markup.js';
import { hitRatioOf, rateOf, sampleOf, type Sample } from '../samples.js';
import { tiles, type Tile } from './parts.js';
import type { View } from './view.js';

/** The shortest period for numbers "per second", in ms. */
const RATE_MS = 4000;
const KIB = 1024;

/** The state of the node in numbers and plots. @internal */
export const overview: View = {
  path: '',
  title: 'Overview',
  isLive: true,
  async render({ cache, clock, history }) {
    const stats = await cache.stats();
    const now = sampleOf(stats, clock.monotonic());
    const recent = history.before(now.at, RATE_MS);
    const [oldest] = history.samples;
    const list = numbersOf(stats, now, recent, oldest);
    return markup`<div id="troubles" data-live>${troubles(cache.health())}</div>
      <div id="numbers" data-live>${tiles(list)}</div>
      <h2>The last 15 minutes</h2>
      <div id="plots" class="plots" data-live>${plots(history.samples, now.at, stats.role)}</div>`;
  },
};

function numbersOf(
  { role, l1, l2, queued, revision, replica }: HyperCacheStats,
  now: Sample,
  recent: Sample | undefined,
  oldest: Sample | undefined,
): Tile[] {
  const ratio = hitRatioOf(oldest, now);
  const reads = (['hits', 'staleHits', 'misses'] as const).reduce(
    (sum, counter) => sum + rateOf(counter, recent, now),
    0,
  );
  return [
    {
      name: 'Hit ratio',
      value: ratio === undefined ? '–' : formatRatio(ratio),
      note: 'of the reads in 15 minutes',
    },
    { name: 'Reads', value: `${formatRate(reads)} /s` },
    { name: 'Writes', value: `${formatRate(rateOf('writes', recent, now))} /s` },
    {
      name: 'Entries',
      value: formatCount(l2.entries),
      note: `${formatCount(l1.entries)} of them in memory`,
    },
    {
      name: 'File',
      value: formatBytes(l2.usedBytes),
      note: `and a log of ${formatBytes(l2.walBytes)}`,
    },
    { name: 'Memory', value: formatBytes(l1.bytes), note: `${formatCount(l1.evictions)} evicted` },
    { name: 'Queue', value: formatCount(queued), note: 'writes that wait for their commit' },
    replica === undefined
      ? { name: 'Role', value: role, note: `revision ${formatCount(revision)}` }
      : {
          name: 'Lag',
          value: formatDuration(replica.lagMs),
          note: replica.isConnected ? 'behind the primary' : 'the primary is away',
          tone: replica.isConnected ? undefined : 'bad',
        },
  ];
}

function troubles({ isOpen, writes, incidents, replica, outbox }: HyperCacheHealth): Html[] {
  const lines: string[] = [];
  if (!isOpen) lines.push('The cache is closed.');
  if (writes !== undefined) lines.push(`Writes fail: ${writes}.`);
  if (replica !== undefined && !replica.isConnected) {
    lines.push('The primary is away: this node serves what it holds.');
  }
  if (outbox !== undefined && outbox.deadLetters > 0) {
    lines.push(`The primary has refused ${formatCount(outbox.deadLetters)} writes for good.`);
  }
  if (incidents.lastMinute > 0) {
    lines.push(
      `${formatCount(incidents.lastMinute)} failures in the last minute, the last one ${incidents.lastCode ?? 'unknown'}.`,
    );
  }
  return lines.map((line) => markup`<p class="trouble" role="status">${line}</p>`);
}

function plots(samples: readonly Sample[], now: number, role: HyperCacheStats['role']): Html[] {
  const rate = (counter: Parameters<typeof rateOf>[0]): Series['points'] =>
    samples.map((sample, at) => [
      sample.at,
      at === 0 ? undefined : rateOf(counter, samples[at - 1], sample),
    ]);
  const gauge = (name: 'queued' | 'fileBytes' | 'memoryBytes' | 'lagMs'): Series['points'] =>
    samples.map((sample) => [sample.at, sample[name]]);
  const ratios: Series['points'] = samples.map((sample, at) => [
    sample.at,
    at === 0 ? undefined : hitRatioOf(samples[at - 1], sample),
  ]);
  const bytes = [...gauge('fileBytes'), ...gauge('memoryBytes')].map(([, value]) => value ?? 0);
  return [
    chart({
      now,
      title: 'Reads per second',
      format: formatRate,
      series: [
        { name: 'memory', colour: 1, points: rate('l1Hits') },
        { name: 'all hits', colour: 2, points: rate('hits') },
        { name: 'misses', colour: 3, points: rate('misses') },
      ],
    }),
    chart({
      now,
      title: 'Hit ratio',
      format: formatRatio,
      most: 1,
      series: [{ name: 'hits', colour: 2, points: ratios }],
    }),
    chart({
      now,
      title: 'Writes per second',
      format: formatRate,
      series: [{ name: 'writes', colour: 1, points: rate('writes') }],
    }),
    chart({
      now,
      title: 'Factories per second',
      format: formatRate,
      series: [
        { name: 'calls', colour: 1, points: rate('factories') },
        { name: 'failures', colour: 3, points: rate('factoryErrors') },
      ],
    }),
    chart({
      now,
      title: 'Size',
      format: formatBytes,
      most: powerOfTwo(Math.max(0, ...bytes)),
      series: [
        { name: 'file', colour: 1, points: gauge('fileBytes') },
        { name: 'memory', colour: 4, points: gauge('memoryBytes') },
      ],
    }),
    role === 'secondary'
      ? chart({
          now,
          title: 'Lag behind the primary',
          format: formatDuration,
          series: [{ name: 'lag', colour: 4, points: gauge('lagMs') }],
        })
      : chart({
          now,
          title: 'Writes that wait',
          format: formatRate,
          series: [{ name: 'queue', colour: 4, points: gauge('queued') }],
        }),
  ];
}

/** The next power of two, from 1 KiB on. */
function powerOfTwo(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(bytes, KIB)));
}
