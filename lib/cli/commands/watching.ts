import { setTimeout as delay } from 'node:timers/promises';
import { setInterval as ticks } from 'node:timers/promises';
import { textOf, wholeOf, type Call, type CommandSpec } from '../command.js';
import { formatFields, printable } from '../format.js';
import { ANY_NAMESPACE } from '../shared-options.js';

/** The pause between two reads of the log of changes. */
const WATCH_MS = 100;
const STATS_MS = 1000;
const PAGE = 1000;
const MOST = 1_000_000_000;

const COUNT = { type: 'string', value: 'n', about: 'ends after so many' } as const;

/** The commands that run until they are stopped. @internal */
export const WATCHING_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  stats: {
    summary: 'prints counters and gauges of a node that runs, or what a file holds',
    on: 'both',
    options: {
      watch: { type: 'boolean', about: 'again each second, until Ctrl-C' },
      count: { ...COUNT, about: 'with --watch: ends after so many' },
    },
    examples: ['stats --path ./storage/hypercache', 'stats --watch --url http://127.0.0.1:3000'],
    run: async (call) => {
      const target = await call.target();
      const print = async (): Promise<void> => {
        const stats = await target.stats();
        await call.terminal.out(call.isJson ? `${JSON.stringify(stats)}\n` : formatFields(stats));
      };
      let left = call.given['watch'] === true ? wholeOf(call, 'count', MOST, [1, MOST]) : 1;
      await print();
      if (--left === 0) return;
      for await (const _ of untilAborted(call, STATS_MS)) {
        if (!call.isJson) await call.terminal.out('\n');
        await print();
        if (--left === 0) return;
      }
    },
  },
  watch: {
    summary: 'prints changes as they are committed, until Ctrl-C',
    arguments: '[prefix]',
    count: [0, 1],
    on: 'both',
    options: {
      ...ANY_NAMESPACE,
      count: COUNT,
    },
    notes: [
      'Reads the log of changes, which names keys and no values; it costs the node next to nothing.',
      'del is the deletion of one key; changed: the entry has changed again already.',
    ],
    examples: ['watch user: --path ./storage/hypercache'],
    run: watch,
  },
};

async function watch(call: Call): Promise<void> {
  const [prefix = ''] = call.rest;
  const namespace = textOf(call, 'namespace');
  const { terminal } = call;
  let left = wholeOf(call, 'count', MOST, [1, MOST]);
  const target = await call.target();
  let after = await target.head();
  // From this line on, no change is missed.
  terminal.err(`Watching from revision ${after} on.\n`);
  while (!terminal.signal.aborted) {
    const page = await target.changes(after, PAGE);
    if (page.isGap) terminal.err(`Changes after revision ${after} have left the log already.\n`);
    const shown = page.changes
      .filter((change) => namespace === undefined || change.namespace === namespace)
      // A clear, and the deletion of a prefix or tag, may concern any key.
      .filter(
        ({ kind, key }) => !['set', 'del', 'changed'].includes(kind) || key.startsWith(prefix),
      )
      .slice(0, left);
    left -= shown.length;
    const lines = shown.map((change) => {
      if (call.isJson) return JSON.stringify(change);
      const { revision, namespace: of, kind, key } = change;
      return `${revision}  ${kind}  ${printable(of)}  ${printable(key)}`.trimEnd();
    });
    if (lines.length > 0) await terminal.out(`${lines.join('\n')}\n`);
    if (left === 0) return;
    const isIdle = page.next === after;
    after = page.next;
    if (isIdle) {
      await delay(WATCH_MS, undefined, { signal: terminal.signal }).catch(() => undefined);
    }
  }
}

async function* untilAborted({ terminal }: Call, ms: number): AsyncGenerator<void> {
  try {
    yield* ticks(ms, undefined, { signal: terminal.signal });
  } catch (error) {
    if (!terminal.signal.aborted) throw error;
  }
}
