import { createHash } from 'node:crypto';
import { isExpired } from '../../common/expiry.js';
import type { Fingerprint } from '../../sqlite/entry-table.js';
import type { Storage } from '../../sqlite/storage.js';
import { pack } from '../wire/wire.js';

/**
 * What two nodes that stand at the same revision compare: a digest of the live entries of one namespace behind
 * `after`, up to `last`, or to the end when there is none.
 *
 * @internal
 */
export interface RangeDigest {
  readonly namespaceId: number;
  readonly after: string;
  readonly last: string | undefined;
  readonly digest: Buffer;
}

/** Rows that one comparison looks at; one that has more than that does not agree anyway. */
const ROWS = 200;

/**
 * Walks through all entries, a few with each step, and starts over at the end.
 *
 * @internal
 */
export class DigestCursor {
  #namespace = 0;
  #after = '';

  constructor(private readonly storage: Storage) {}

  /** @param now Unix ms: what is expired by then does not count */
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

/** Whether this node holds the same. @internal */
export function agrees(
  storage: Storage,
  { namespaceId, after, last, digest }: RangeDigest,
  now: number,
): boolean {
  const rows = storage.entries.fingerprints(namespaceId, after, last, 2 * ROWS);
  // Rows that are expired may have been swept on one side only: so many of them hide what lies behind.
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
