import { checkedTags } from '../cache/factory-context.js';
import { HyperCacheError, ImportInvalidError } from '../common/errors.js';
import { assertKey, assertNamespace } from '../common/keys.js';
import { MAX_LISTED, type ListedEntry } from '../engine/listing.js';
import { captureValue } from '../value/capture.js';
import { fromPortable } from '../value/portable-value.js';
import { readLines, type Line } from './read-lines.js';
import type { Target, TargetWrite } from './target.js';

/** The most entries of a batch, and its most bytes of text, except for a single longer line. */
const BATCH_ENTRIES = 250;
const BATCH_BYTES = 512 * 1024;

const FIELDS = ['namespace', 'key', 'value', 'stored', 'ttl', 'tags'];

/** The progress so far. @internal */
export interface Transferred {
  readonly entries: number;
  /** Entries whose value cannot be read. They are left out. */
  readonly unreadable: number;
}

/** The entries to export. @internal */
export interface ExportRequest {
  readonly namespaces: readonly string[];
  readonly prefix: string;
}

/**
 * Writes the fresh entries as lines of JSON, without their windows, page by page. Concurrent writes may or may not be included.
 *
 * @internal
 */
export async function* exportLines(
  target: Target,
  { namespaces, prefix }: ExportRequest,
  onProgress: (transferred: Transferred) => void,
): AsyncGenerator<string> {
  let entries = 0;
  let unreadable = 0;
  for (const namespace of namespaces) {
    for await (const page of pagesOf(target, { namespace, prefix, values: true })) {
      const lines = page.flatMap((entry) => lineOf(namespace, entry) ?? []);
      entries += lines.length;
      unreadable += page.length - lines.length;
      if (lines.length > 0) yield `${lines.join('\n')}\n`;
      onProgress({ entries, unreadable });
    }
  }
}

/** Reads all pages of a listing. @internal */
export async function* pagesOf(
  target: Target,
  request: { namespace: string | undefined; prefix: string; values: boolean },
): AsyncGenerator<readonly ListedEntry[]> {
  let after: string | undefined = '';
  while (after !== undefined) {
    const page: Awaited<ReturnType<Target['page']>> = await target.page({
      ...request,
      after,
      limit: MAX_LISTED,
    });
    yield page.entries;
    after = page.next;
  }
}

function lineOf(namespace: string, entry: ListedEntry): string | undefined {
  const { key, ttl, tags, content } = entry;
  if (content === undefined || 'unreadable' in content) return undefined;
  return JSON.stringify({ namespace, key, ...content, ttl, ...(tags.length > 0 ? { tags } : {}) });
}

/** @internal */
export interface ImportRequest {
  /** The first line to import, from 1. */
  readonly fromLine: number;
  /** For lines that name none. If it is set, it replaces the namespace of every line. */
  readonly namespace: string | undefined;
}

/** @internal */
export interface Imported {
  /** The number of lines that are done. To continue, begin behind them. */
  readonly lines: number;
  readonly entries: number;
  /** Bytes of the file so far. */
  readonly bytes: number;
}

/**
 * Stores the entries of lines, batch by batch. Each batch is stored completely or not at all. Importing a batch again stores it
 * again.
 *
 * @throws {HC_IMPORT_INVALID} with the number of the line
 * @internal
 */
export async function importLines(
  target: Pick<Target, 'store'>,
  source: AsyncIterable<Uint8Array>,
  { fromLine, namespace }: ImportRequest,
  onProgress: (imported: Imported) => void,
): Promise<void> {
  let batch: TargetWrite[] = [];
  let batchNamespace: string | undefined;
  let batchBytes = 0;
  let entries = 0;
  let last: Line = { number: 0, text: '', bytes: 0 };
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await target.store(batchNamespace, batch);
    entries += batch.length;
    batch = [];
    batchBytes = 0;
    onProgress({ lines: last.number, entries, bytes: last.bytes });
  };
  for await (const line of readLines(source)) {
    if (line.number >= fromLine && line.text.trim() !== '') {
      const { write, namespace: own } = parseLine(line);
      const into = namespace ?? own;
      const isFull = batch.length >= BATCH_ENTRIES || batchBytes + line.text.length > BATCH_BYTES;
      if (batch.length > 0 && (isFull || into !== batchNamespace)) await flush();
      batchNamespace = into;
      batch.push(write);
      batchBytes += line.text.length;
    }
    last = line;
  }
  await flush();
}

function parseLine({ number, text }: Line): { write: TargetWrite; namespace: string | undefined } {
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw new ImportInvalidError(number, 'it is no JSON object.');
    }
    return entryOf(fields as Record<string, unknown>, number);
  } catch (error) {
    if (error instanceof ImportInvalidError) throw error;
    const reason = error instanceof HyperCacheError ? error.message : 'it is no JSON.';
    throw new ImportInvalidError(number, reason);
  }
}

function entryOf(
  fields: Readonly<Record<string, unknown>>,
  line: number,
): { write: TargetWrite; namespace: string | undefined } {
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new ImportInvalidError(line, `it has a field '${unknown.slice(0, 40)}'.`);
  }
  const { key, ttl = null, tags = [], namespace } = fields;
  assertKey(key);
  if (ttl !== null && !(typeof ttl === 'number' && ttl > 0)) {
    throw new ImportInvalidError(line, 'its ttl is neither null nor a number above 0.');
  }
  if (namespace !== undefined) assertNamespace(namespace);
  const value = fromPortable(fields);
  captureValue(value, Number.MAX_SAFE_INTEGER);
  return {
    write: { key, value, ttl: Number(ttl), tags: checkedTags(tags as readonly string[]) },
    namespace,
  };
}
