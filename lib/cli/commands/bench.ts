import { benchDirectory, benchTarget, type BenchRow } from '../../admin/bench.js';
import { textOf, wholeOf, type CommandSpec } from '../command.js';
import { formatNumber, formatTable } from '../format.js';
import { progressOf } from '../progress.js';

/** @internal */
export const BENCH_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  bench: {
    summary: "measures this machine's disk and processor, or a node over the network",
    on: 'both',
    options: { time: { type: 'string', value: 'ms', about: 'how long each row takes (1000)' } },
    notes: [
      '--path: a separate node, in a new directory below that one, which is removed afterwards; a node in the directory itself is not touched.',
      "--url: requests to that node, in the namespace 'hypercache-bench', which is cleared afterwards.",
    ],
    examples: ['bench --path ./storage', 'bench --url http://10.0.0.1:3000'],
    run: async (call) => {
      const ms = wholeOf(call, 'time', 1000, [1, 600_000]);
      const rows: BenchRow[] = [];
      const progress = await progressOf(call.terminal, 'bench', 100);
      const onRow = (row: BenchRow, of: number): void => {
        call.terminal.signal.throwIfAborted();
        rows.push(row);
        progress.update((100 * rows.length) / of);
      };
      try {
        if (textOf(call, 'url') === undefined) await benchDirectory(call.path(), ms, onRow);
        else await benchTarget(await call.target(), ms, onRow);
      } finally {
        progress.end();
      }
      if (call.isJson) return call.terminal.out(`${JSON.stringify({ rows })}\n`);
      const cells = rows.map(({ name, rate, p50, p99 }) => [
        name,
        formatNumber(rate),
        formatNumber(p50),
        formatNumber(p99),
      ]);
      await call.terminal.out(
        formatTable([['', 'a second', 'p50 ms', 'p99 ms'], ...cells], [1, 2, 3]),
      );
    },
  },
};
