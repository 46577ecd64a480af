import { createReadStream, existsSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exportLines, importLines, type Imported, type Transferred } from '../../admin/transfer.js';
import { errnoOf } from '../../common/errno.js';
import { StorageOpenError } from '../../common/errors.js';
import { nameFile } from '../../common/name-file.js';
import { systemRandom } from '../../common/random.js';
import { print, textOf, UsageError, wholeOf, type Call, type CommandSpec } from '../command.js';
import { progressOf } from '../progress.js';
import { ANY_NAMESPACE } from '../shared-options.js';
import { namespacesOf, watched } from './listings.js';

const OWNER_ONLY = 0o600;

/** @internal */
export const TRANSFER_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  export: {
    summary:
      'writes all fresh entries as lines of JSON: keys, values, tags, and the time that is left',
    arguments: '[prefix]',
    count: [0, 1],
    on: 'both',
    options: {
      ...ANY_NAMESPACE,
      to: {
        type: 'string',
        value: 'file',
        about: 'a file that does not exist yet; without it, standard output',
      },
    },
    notes: [
      'A value that JSON cannot hold (Date, Map, Buffer, ...) is written as `stored`: the bytes of the file, in base64.',
      'Stale entries are left out, and so is how long an entry is kept after its ttl (stale, grace).',
      'It reads page by page, so concurrent writes may or may not be included. For one point in time, use backup.',
      'A server (redis://) lists in no order, and the same key may appear twice while the server makes room for more.',
    ],
    examples: ['export --path ./storage/hypercache --to cache.ndjson'],
    run: exportEntries,
  },
  import: {
    summary: 'stores the entries of lines of JSON, as export writes them',
    arguments: '<file>',
    count: [1, 1],
    on: 'both',
    options: {
      namespace: {
        type: 'string',
        value: 'name',
        about: 'stores all entries in this one, and ignores the namespaces in the lines',
      },
      'dry-run': { type: 'boolean', about: 'reads and checks all lines, and stores nothing' },
      'from-line': { type: 'string', value: 'n', about: 'the first line that is stored, from 1' },
    },
    notes: [
      'A line: {"key":"a","value":1} and optionally "ttl" (milliseconds that are left; without it or with null, the entry never expires), "tags", "namespace". - reads standard input.',
      'Batches of up to 250 lines are stored whole or not at all. An error names the line at which to continue; a line that is imported again is stored again.',
    ],
    examples: [
      'import cache.ndjson --path ./storage/hypercache',
      'import - --url http://127.0.0.1:3000 < cache.ndjson',
      'import cache.ndjson --url redis://127.0.0.1:6379 --dry-run',
    ],
    run: importEntries,
  },
};

async function exportEntries(call: Call): Promise<number> {
  const [prefix = ''] = call.rest;
  const to = textOf(call, 'to');
  const target = await call.target();
  const namespaces = await namespacesOf(call, target);
  let last: Transferred = { entries: 0, unreadable: 0 };
  const write = to === undefined ? undefined : await writerOf(resolve(to), call);
  try {
    await watched(call, target, async (onProgress) => {
      const lines = exportLines(target, { namespaces, prefix }, (transferred) => {
        last = transferred;
        onProgress(transferred.entries + transferred.unreadable);
      });
      for await (const text of lines) await (write?.text(text) ?? call.terminal.out(text));
    });
    await write?.finish();
  } finally {
    await write?.close();
  }
  const { entries, unreadable } = last;
  if (unreadable > 0)
    call.terminal.err(`${unreadable} entries cannot be read, and were left out.\n`);
  if (to !== undefined) {
    await print(call, last, `Exported ${entries} entries to ${resolve(to)}.`);
  }
  return unreadable > 0 ? 1 : 0;
}

/** A file that receives its name only when it is complete. Of several exports to one name at the same time, one succeeds. */
async function writerOf(path: string, call: Call) {
  const taken = (): UsageError => new UsageError(`${path} exists already`, call.name);
  if (existsSync(path)) throw taken();
  const partial = `${path}.${systemRandom.hex(8)}.partial`;
  const orFail = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => {
      throw new StorageOpenError(
        `${path} cannot be written (${String(errnoOf(cause))}).`,
        'Give --to a path that this user may write to, on a disk with room.',
        { cause },
      );
    });
  const file = await orFail(open(partial, 'wx', OWNER_ONLY));
  return {
    text: (text: string): Promise<void> => orFail(file.appendFile(text)),
    finish: async (): Promise<void> => {
      await orFail(file.sync());
      await orFail(file.close());
      if (!(await orFail(nameFile(partial, path)))) throw taken();
    },
    /** Closes the file, whether or not it received its name. A closed file stays closed. */
    close: async (): Promise<void> => {
      await file.close();
      rmSync(partial, { force: true });
    },
  };
}

async function importEntries(call: Call): Promise<void> {
  const [file = ''] = call.rest;
  const fromLine = wholeOf(call, 'from-line', 1, [1, Number.MAX_SAFE_INTEGER]);
  const source = file === '-' ? call.terminal.stdin() : sourceOf(resolve(file));
  const bytes = file === '-' ? 0 : (statSync(resolve(file), { throwIfNoEntry: false })?.size ?? 0);
  const target = await call.target();
  const isDry = call.given['dry-run'] === true;
  let last: Imported = { lines: fromLine - 1, entries: 0, bytes: 0 };
  const progress = await progressOf(call.terminal, 'import', bytes);
  try {
    await importLines(
      isDry ? { store: async () => undefined } : target,
      source,
      { fromLine, namespace: textOf(call, 'namespace') },
      (imported) => {
        last = { ...imported, lines: Math.max(imported.lines, fromLine - 1) };
        progress.update(imported.bytes);
        call.terminal.signal.throwIfAborted();
      },
    );
  } catch (error) {
    call.terminal.err(
      `${last.entries} entries are ${isDry ? 'good' : 'imported'}, up to line ${last.lines}. To go on: --from-line ${last.lines + 1}\n`,
    );
    throw error;
  } finally {
    progress.end();
  }
  const { entries, lines } = last;
  await print(
    call,
    { entries, lines },
    `${isDry ? 'Nothing is stored. Good are' : 'Imported'} ${entries} entries of ${lines} lines.`,
  );
}

async function* sourceOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 });
  } catch (cause) {
    throw new StorageOpenError(`${path} cannot be read.`, 'Name a file that export has written.', {
      cause,
    });
  }
}
