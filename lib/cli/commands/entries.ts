import { text } from 'node:stream/consumers';
import { shownValue } from '../../admin/shown-value.js';
import type { Expired, Namespace, Target } from '../../admin/target.js';
import { milliseconds } from '../../common/duration.js';
import { InvalidTtlError, MissError } from '../../common/errors.js';
import type { ListedEntry } from '../../engine/listing.js';
import { print, textOf, textsOf, UsageError, type Call, type CommandSpec } from '../command.js';
import { isConfirmed } from '../confirm.js';
import { formatMs } from '../format.js';
import { ONE_NAMESPACE, YES } from '../shared-options.js';

/** The commands that read and write entries. @internal */
export const ENTRY_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  get: {
    summary: 'prints the value of a key as JSON',
    arguments: '<key>',
    count: [1, 1],
    on: 'both',
    options: ONE_NAMESPACE,
    notes: ['A missing or expired key fails with HC_MISS and exit code 1.'],
    examples: ['get user:42 --path ./storage/hypercache'],
    run: async (call) => {
      const { key, content, ttl, revision, tags } = await entryOf(call);
      const value = shownValue(content);
      if (value === undefined) throw new MissError();
      const described = `{"key":${JSON.stringify(key)},"value":${value},${JSON.stringify({ ttl, revision, tags }).slice(1)}`;
      await call.terminal.out(`${call.isJson ? described : value}\n`);
    },
  },
  ttl: {
    summary: 'prints how long an entry still lives',
    arguments: '<key>',
    count: [1, 1],
    on: 'both',
    options: ONE_NAMESPACE,
    examples: ['ttl user:42 --path ./storage/hypercache'],
    run: async (call) => {
      const { key, ttl } = await entryOf(call);
      await print(call, { key, ttl }, formatMs(ttl));
    },
  },
  set: {
    summary: 'stores a value that is given as JSON; - reads it from standard input',
    arguments: '<key> <json>',
    count: [2, 2],
    on: 'both',
    options: {
      ...ONE_NAMESPACE,
      ttl: {
        type: 'string',
        value: 'time',
        about: 'such as 90s, 5m or 2h, or milliseconds; without it, the entry never expires',
      },
      tag: { type: 'string', multiple: true, value: 'tag', about: 'a tag; may be repeated' },
    },
    examples: [
      `set user:42 '{"name":"Ada"}' --ttl 5m --tag users --path ./storage/hypercache`,
      `set greeting '"hello"' --path ./storage/hypercache`,
    ],
    run: async (call) => {
      const [key = '', json = ''] = call.rest;
      const value = parsed(json === '-' ? await text(call.terminal.stdin()) : json, call);
      const ttl = ttlOf(call);
      const target = await call.target();
      await target.store(textOf(call, 'namespace'), [
        { key, value, ttl, tags: textsOf(call, 'tag') },
      ]);
      await print(call, { stored: true }, 'Stored.');
    },
  },
  del: {
    summary: 'deletes keys',
    arguments: '<key>...',
    count: [1, Infinity],
    on: 'both',
    options: ONE_NAMESPACE,
    examples: ['del user:42 user:43 --path ./storage/hypercache'],
    run: async (call) => {
      const target = await call.target();
      let deleted = 0;
      for (const key of call.rest) {
        if (await target.delete(textOf(call, 'namespace'), key)) deleted++;
      }
      await printDeleted(call, deleted);
    },
  },
  'del-tag': {
    summary: 'deletes all entries with a tag',
    arguments: '<tag>',
    count: [1, 1],
    on: 'both',
    options: ONE_NAMESPACE,
    examples: ['del-tag users --path ./storage/hypercache'],
    run: (call) => deleteAll(call, (target, namespace, tag) => target.deleteTag(namespace, tag)),
  },
  'del-prefix': {
    summary: 'deletes all entries whose key starts with a prefix',
    arguments: '<prefix>',
    count: [1, 1],
    on: 'both',
    options: ONE_NAMESPACE,
    examples: ['del-prefix user: --path ./storage/hypercache'],
    run: (call) =>
      deleteAll(call, (target, namespace, prefix) => target.deletePrefix(namespace, prefix)),
  },
  expire: {
    summary:
      'makes entries stale: reads that accept stale values find them until their window ends',
    arguments: '[key]',
    count: [0, 1],
    on: 'both',
    options: {
      ...ONE_NAMESPACE,
      prefix: {
        type: 'string',
        value: 'prefix',
        about: 'all whose key starts with this prefix, in place of one',
      },
      tag: { type: 'string', value: 'tag', about: 'all with this tag, in place of one' },
    },
    notes: ['An entry without a window (stale, grace) is deleted.'],
    examples: [
      'expire user:42 --path ./storage/hypercache',
      'expire --tag users --path ./storage/hypercache',
    ],
    run: async (call) => {
      const [key] = call.rest;
      const prefix = textOf(call, 'prefix');
      const tag = textOf(call, 'tag');
      const given = [key, prefix, tag].filter((each) => each !== undefined);
      if (given.length !== 1)
        throw new UsageError('expire needs <key>, --prefix or --tag', call.name);
      const [name = ''] = given;
      let what: Expired = { key: name };
      if (key === undefined) what = tag === undefined ? { prefix: name } : { tag: name };
      const expired = await (await call.target()).expire(textOf(call, 'namespace'), what);
      await print(call, { expired }, `Expired ${expired}.`);
    },
  },
  clear: {
    summary: 'deletes everything in a namespace; locks stay',
    on: 'both',
    options: { ...ONE_NAMESPACE, ...YES },
    notes: ['Asks on a terminal; elsewhere it needs --yes.'],
    examples: [
      'clear --yes --path ./storage/hypercache',
      'clear --namespace pages --path ./storage/hypercache',
    ],
    run: async (call) => {
      const namespace = textOf(call, 'namespace');
      const target = await call.target();
      const name =
        namespace === undefined ? "the node's own namespace" : `namespace '${namespace}'`;
      if (!(await isConfirmed(call, `This deletes everything in ${name}.`))) return 1;
      await printDeleted(call, await target.clear(namespace));
      return 0;
    },
  },
};

/** The entry of the given key. @throws {HC_MISS} */
async function entryOf(call: Call): Promise<ListedEntry> {
  const [key = ''] = call.rest;
  const entry = await (await call.target()).find(textOf(call, 'namespace'), key);
  if (entry === undefined) throw new MissError();
  return entry;
}

/** Deletes the entries that the argument names. */
async function deleteAll(
  call: Call,
  work: (target: Target, namespace: Namespace, argument: string) => Promise<number>,
): Promise<void> {
  const [argument = ''] = call.rest;
  await printDeleted(call, await work(await call.target(), textOf(call, 'namespace'), argument));
}

function printDeleted(call: Call, deleted: number): Promise<void> {
  return print(call, { deleted }, `Deleted ${deleted}.`);
}

function parsed(json: string, call: Call): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new UsageError(
      `the value is no JSON: write a text as '"text"', with quotes inside of quotes`,
      call.name,
    );
  }
}

/** Milliseconds; 0 when it never expires. */
function ttlOf(call: Call): number {
  const given = textOf(call, 'ttl');
  if (given === undefined) return 0;
  const ms = /^\d+$/.test(given) ? Number(given) : milliseconds(given);
  if (typeof ms === 'number' && ms > 0) return ms;
  throw new InvalidTtlError(given);
}
