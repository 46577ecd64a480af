import { LAYERS, type LoadResult } from './load.js';

const NAMES = { l1: 'L1 (memory)', l2: 'L2 (file)', origin: 'origin' };

/** The figures of a load as lines of text; latencies in milliseconds. */
export function reportOf(result: LoadResult): string {
  const { latencies, answered, first, originReads, seconds, failed } = result;
  const hits = latencies.l1.length + latencies.l2.length;
  const rows = [
    ['', 'answers', 'share', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms'],
    ...LAYERS.map((layer) => row(NAMES[layer], latencies[layer], answered)),
    row(
      'all',
      LAYERS.flatMap((layer) => latencies[layer]),
      answered,
    ),
  ];
  return [
    ...table(rows),
    '',
    `hit ratio   ${percent(hits, answered)}; the origin was read ${whole(originReads)} times`,
    ...(first === undefined
      ? []
      : [`first       ${NAMES[first.layer]}, ${first.ms.toFixed(2)} ms`]),
    `throughput  ${whole(answered / seconds)} requests a second, ${seconds.toFixed(1)} s`,
    `errors      ${whole(failed)}`,
    ...Array.from(result.errors, ([message, count]) => `  ${whole(count)} x ${message}`),
  ].join('\n');
}

function row(name: string, latencies: readonly number[], answered: number): string[] {
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number): string =>
    sorted.length === 0 ? '-' : (sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toFixed(2);
  return [
    name,
    whole(sorted.length),
    percent(sorted.length, answered),
    at(0.5),
    at(0.9),
    at(0.99),
    at(1),
  ];
}

function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((cells) => cells[i]?.length ?? 0)),
  );
  return rows.map((cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

function percent(part: number, of: number): string {
  return `${((100 * part) / Math.max(of, 1)).toFixed(1)} %`;
}

function whole(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}
