import { createHash } from 'node:crypto';
import { isExpired } from '../../common/expiry.js';
import type { Fingerprint } from '../../sqlite/entry-table.js';
import type { Storage } from '../../sqlite/storage.js';
import { pack } from '../wire/wire.js';

/**
 * What two nodes at the same revision compare: a digest of the live entries of one namespace, from behind `after` up to
 * `last`, or to the end when `last` is missing.
 *
 * @internal
 */
export interface RangeDigest {
  readonly namespaceId: number;
  readonly after: string;
  readonly last: string | undefined;
  readonly digest: Buffer;
}

/** Rows that one comparison reads. A range that holds more rows on this node differs anyway. */
const ROWS = 200;

/**
 * Walks through all entries, a few per step, and starts again at the end.
 *
 * @internal
 */
export class DigestCursor {
  #namespace = 0;
  #after = '';

  constructor(private readonly storage: Storage) {}

  /** @param now Unix ms; entries that have expired by then do not count */
  next(now: number): RangeDigest | undefined {
    const ids = this.storage.namespaces.all().map(([, id]) => id);
    const namespaceId = ids[this.#namespace % ids.length];
    if (namespaceId === undefined) return undefined;
    const after = this.#after;
    const rows = this.storage.entries.fingerprints(namespaceId, after, undefined, ROWS);
    const last = rows.length < ROWS ? undefined : rows.at(-1)?.key;
    if (last === undefined) this.#namespace = (this.#namespace + 1) % ids.length;
    this.#after = last ?? '';
    return { namespaceId, after, last, digest: digestOf(rows, now) };
  }
}

/** Whether this node holds the same entries. @internal */
export function agrees(
  storage: Storage,
  { namespaceId, after, last, digest }: RangeDigest,
  now: number,
): boolean {
  const rows = storage.entries.fingerprints(namespaceId, after, last, 2 * ROWS);
  // Expired rows may have been swept on one side only. When this many of them fill the page, the rows behind them
  // cannot be compared.
  const isCut = rows.length === 2 * ROWS && rows.some((row) => isExpired(row.expires_at, now));
  if (isCut) return true;
  return digestOf(rows, now).equals(digest);
}

function digestOf(rows: readonly Fingerprint[], now: number): Buffer {
  const live = rows
    .filter((row) => !isExpired(row.expires_at, now))
    .map(({ key, revision, expires_at, fresh_until, value }) => {
      const lifetime = fresh_until === expires_at ? expires_at : [fresh_until, expires_at];
      return [key, revision, lifetime, value];
    });
  return createHash('sha1').update(pack(live)).digest();
}
