import { isExpired } from '../common/expiry.js';
import type { HyperCacheError } from '../common/errors.js';
import type { ListedEntry, Page } from '../engine/l2.js';
import { decodeValue, storedBytes, type StoredValue } from '../value/codec.js';
import type { Listing } from './entry-table.js';
import { toStorageError } from './sqlite-error.js';
import type { Storage } from './storage.js';

/** Bounds of one page, which limit the time on the event loop and the memory. */
const PAGE_ROWS = 500;
const PAGE_BYTES = 1024 * 1024;

/** An entry in a listing; the value is '' when values are not listed. @internal */
export type ListedValue = readonly [key: string, value: StoredValue];

/**
 * One page of the fresh entries of a namespace, the same for readers of the file and for other nodes. So one kind of
 * reader can continue where the other stopped.
 *
 * @throws SQLite's error
 * @internal
 */
export function readPage(
  storage: Storage,
  namespace: string,
  listing: Listing,
  now: number,
): Page<ListedValue> {
  const namespaceId = storage.namespaces.idOf(namespace);
  if (namespaceId === undefined) return { items: [], next: undefined };
  const items: ListedValue[] = [];
  let rows = 0;
  let bytes = 0;
  let last = listing.after;
  for (const { key, fresh_until, value = '' } of storage.entries.page(
    namespaceId,
    listing,
    PAGE_ROWS,
  )) {
    rows++;
    last = key;
    bytes += storedBytes(value);
    if (!isExpired(fresh_until, now)) items.push([key, value]);
    if (bytes > PAGE_BYTES) break;
  }
  return { items, next: rows < PAGE_ROWS && bytes <= PAGE_BYTES ? undefined : last };
}

/** Decodes the entries and leaves out the unreadable ones, each of which is reported. @internal */
export function decoded(
  { items, next }: Page<ListedValue>,
  onReadError: (error: HyperCacheError) => void,
): Page<ListedEntry> {
  const readable = items.flatMap(([key, value]): ListedEntry[] => {
    try {
      return [[key, decodeValue(value)]];
    } catch (error) {
      onReadError(toStorageError(error));
      return [];
    }
  });
  return { items: readable, next };
}
