import { countTags, findBiggest } from '../../admin/biggest.js';
import { shownValue } from '../../admin/shown-value.js';
import type { Target } from '../../admin/target.js';
import { pagesOf } from '../../admin/transfer.js';
import type { ListedEntry } from '../../engine/listing.js';
import { textOf, wholeOf, type Call, type CommandSpec } from '../command.js';
import { formatBytes, formatLines, formatMs, formatTable, printable } from '../format.js';
import { progressOf } from '../progress.js';
import { ANY_NAMESPACE, ONE_NAMESPACE } from '../shared-options.js';

const MOST = 1_000_000_000;

const LIMIT = { type: 'string', value: 'n', about: 'how many are printed at most' } as const;

/** The commands that read many entries. With `--json` each of them is a line. @internal */
export const LISTING_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  keys: {
    summary: 'lists keys in order, all or those with a prefix',
    arguments: '[prefix]',
    count: [0, 1],
    on: 'both',
    options: {
      ...ONE_NAMESPACE,
      limit: LIMIT,
      values: { type: 'boolean', about: 'with their values' },
    },
    notes: ['With --json each entry is a line: key, ttl, revision, bytes, tags, and the value.'],
    examples: ['keys user: --limit 20 --values --path ./storage/hypercache'],
    run: async (call) => {
      const [prefix = ''] = call.rest;
      const namespace = textOf(call, 'namespace');
      const values = call.given['values'] === true;
      let left = wholeOf(call, 'limit', MOST, [1, MOST]);
      const target = await call.target();
      for await (const page of pagesOf(target, { namespace, prefix, values })) {
        const entries = page.slice(0, left);
        left -= entries.length;
        const lines = entries.map((entry) => (call.isJson ? jsonOf(entry) : lineOf(entry, values)));
        if (lines.length > 0) await call.terminal.out(`${lines.join('\n')}\n`);
        if (left === 0 || call.terminal.signal.aborted) return;
      }
    },
  },
  tags: {
    summary: 'lists tags, and how many entries have each',
    arguments: '[prefix]',
    count: [0, 1],
    on: 'both',
    options: {
      ...ONE_NAMESPACE,
      limit: LIMIT,
    },
    notes: ['Reads all entries of the namespace.'],
    examples: ['tags --limit 20 --path ./storage/hypercache'],
    run: async (call) => {
      const [prefix = ''] = call.rest;
      const namespace = textOf(call, 'namespace');
      const limit = wholeOf(call, 'limit', MOST, [1, MOST]);
      const target = await call.target();
      const counted = await watched(call, target, (onProgress) =>
        countTags(target, { namespace, prefix }, onProgress),
      );
      const tags = counted.slice(0, limit);
      const rows = tags.map(({ tag, entries }) => [String(entries), printable(tag)]);
      await call.terminal.out(call.isJson ? formatLines(tags) : formatTable(rows, [0]));
    },
  },
  big: {
    summary: 'finds the entries with the largest values',
    arguments: '[prefix]',
    count: [0, 1],
    on: 'both',
    options: {
      ...ANY_NAMESPACE,
      top: { type: 'string', value: 'n', about: 'how many are printed at most (20)' },
    },
    notes: ['Reads all entries. Bytes are those of the encoded value.'],
    examples: ['big --top 5 --path ./storage/hypercache'],
    run: async (call) => {
      const [prefix = ''] = call.rest;
      const top = wholeOf(call, 'top', 20, [1, 10_000]);
      const target = await call.target();
      const namespaces = await namespacesOf(call, target);
      const found = await watched(call, target, (onProgress) =>
        findBiggest(target, { namespaces, prefix, top }, onProgress),
      );
      if (call.isJson) return call.terminal.out(`${JSON.stringify(found)}\n`);
      const rows = found.entries.map(({ namespace, key, bytes, ttl }) => [
        formatBytes(bytes),
        printable(namespace),
        formatMs(ttl),
        printable(key),
      ]);
      const sizes = found.namespaces.map(({ namespace, entries, bytes, averageBytes }) => [
        printable(namespace),
        String(entries),
        formatBytes(bytes),
        formatBytes(averageBytes),
      ]);
      await call.terminal.out(formatTable([['bytes', 'namespace', 'ttl', 'key'], ...rows], [0]));
      await call.terminal.out(
        `\n${formatTable([['namespace', 'entries', 'bytes', 'average'], ...sizes], [1, 2, 3])}`,
      );
    },
  },
  'dead-letters': {
    summary: "lists a secondary's asynchronous writes that the primary has refused for good",
    on: 'both',
    options: { limit: { ...LIMIT, about: 'how many are printed at most (100)' } },
    notes: ['The newest come first. For a running node, use --url.'],
    examples: ['dead-letters --path ./storage/hypercache'],
    run: async (call) => {
      const limit = wholeOf(call, 'limit', 100, [1, 1000]);
      const letters = await (await call.target()).deadLetters(limit);
      if (call.isJson) return call.terminal.out(formatLines(letters));
      const rows = letters.map(({ at, code, kind, namespace, key }) => [
        new Date(at).toISOString(),
        code,
        kind,
        printable(namespace),
        printable(key),
      ]);
      await call.terminal.out(rows.length === 0 ? 'None.\n' : formatTable(rows));
    },
  },
};

/** The given namespace, or all that the target has. @internal */
export async function namespacesOf(call: Call, target: Target): Promise<string[]> {
  const given = textOf(call, 'namespace');
  if (given !== undefined) return [given];
  return (await target.namespaces()).map(({ name }) => name);
}

/** Runs a command that reads all entries, with a bar if it takes long and a person waits. @internal */
export async function watched<T>(
  call: Call,
  target: Target,
  work: (onProgress: (entries: number) => void) => Promise<T>,
): Promise<T> {
  const total = call.terminal.isWatched ? await countOf(call, target) : 0;
  const progress = await progressOf(call.terminal, call.name, total);
  try {
    return await work((done) => {
      call.terminal.signal.throwIfAborted();
      progress.update(done);
    });
  } finally {
    progress.end();
  }
}

async function countOf(call: Call, target: Target): Promise<number> {
  const given = textOf(call, 'namespace');
  const namespaces = await target.namespaces();
  return namespaces
    .filter(({ name }) => given === undefined || name === given)
    .reduce((sum, { entries }) => sum + entries, 0);
}

function lineOf(entry: ListedEntry, withValue: boolean): string {
  const key = printable(entry.key);
  return withValue ? `${key}  ${shownValue(entry.content) ?? '(unreadable)'}` : key;
}

function jsonOf({ content, ...entry }: ListedEntry): string {
  const fields = JSON.stringify(entry);
  const value = shownValue(content);
  return value === undefined ? fields : `${fields.slice(0, -1)},"value":${value}}`;
}
