import type { Answer } from './requests.js';

const WIDTH = 60;
/** Upper bounds of the rows of a plot, in ms. */
const ROWS = [1000, 300, 100, 30, 10, 3, 1];

/** One line for each route and phase. */
export function table(
  answers: readonly Answer[],
  routes: readonly string[],
  phases: readonly string[],
): string {
  const lines = [['', 'origin', 'answers', 'errors', 'stale', 'p50 ms', 'p99 ms']];
  for (const route of routes) {
    for (const phase of phases) {
      const own = answers.filter((answer) => answer.route === route && answer.phase === phase);
      const times = own.map(({ ms }) => ms).toSorted((a, b) => a - b);
      const count = (is: (answer: Answer) => boolean): string => String(own.filter(is).length);
      const errors = count(({ isError }) => isError);
      const stale = count(({ isStale }) => isStale);
      lines.push([
        route,
        phase,
        String(own.length),
        errors,
        stale,
        at(times, 0.5),
        at(times, 0.99),
      ]);
    }
  }
  return lines
    .map((cells) => cells.map((cell, i) => (i < 2 ? cell.padEnd(11) : cell.padStart(8))).join(''))
    .join('\n');
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
}

/** Latencies over time: a mark where requests were answered within the bound of the row, `x` where some of them failed. */
export function plot(answers: readonly Answer[], route: string, phases: readonly string[]): string {
  const own = answers.filter((answer) => answer.route === route);
  const columns = Array.from({ length: WIDTH }, (_, i) =>
    own.slice((i * own.length) / WIDTH, ((i + 1) * own.length) / WIDTH),
  );
  const rows = ROWS.map((bound, row) => {
    const least = ROWS[row + 1] ?? 0;
    const marks = columns.map((column) => {
      const here = column.filter(({ ms }) => ms > least && (ms <= bound || row === 0));
      if (here.length === 0) return ' ';
      return here.some(({ isError }) => isError) ? 'x' : '*';
    });
    return `${String(bound).padStart(6)} |${marks.join('')}`;
  });
  const part = WIDTH / phases.length;
  const names = phases.map((phase) => phase.padEnd(part)).join('');
  return [`${route}, ms`, ...rows, `       +${'-'.repeat(WIDTH)}`, `        ${names}`].join('\n');
}
