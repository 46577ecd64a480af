import { isExpired } from '../../common/expiry.js';
import type { Storage } from '../../sqlite/storage.js';
import { bytesOf, contentOf, type CopiedContent } from '../wire/change-batch.js';

/** A row of a page. @internal */
export type CopiedEntry = readonly [key: string, revision: number, ...content: CopiedContent];

/** Some entries of one namespace. @internal */
export interface Page {
  readonly namespaceId: number;
  readonly rows: readonly CopiedEntry[];
}

/** Bounds of one page, so that it holds the event loop on neither side for long. */
const PAGE_ROWS = 250;
const PAGE_BYTES = 192 * 1024;

/**
 * Walks through all live entries by key, page by page. The pages show different moments, so their receiver also needs
 * the changes since the first page.
 *
 * @internal
 */
export class SnapshotCursor {
  readonly #namespaces: number[];
  #after = '';

  constructor(private readonly storage: Storage) {
    this.#namespaces = storage.namespaces.all().map(([, id]) => id);
  }

  /** The next page; undefined after the last one. */
  next(now: number): Page | undefined {
    for (;;) {
      const namespaceId = this.#namespaces[0];
      if (namespaceId === undefined) return undefined;
      const page = this.#read(namespaceId, now);
      if (page.rows.length > 0) return page;
    }
  }

  #read(namespaceId: number, now: number): Page {
    const rows: CopiedEntry[] = [];
    let read = 0;
    let bytes = 0;
    const found = this.storage.entries.rowsAfter(namespaceId, this.#after, PAGE_ROWS);
    for (const row of found) {
      read++;
      this.#after = row.key;
      if (isExpired(row.expires_at, now)) continue;
      const content = contentOf(this.storage, row);
      rows.push([row.key, row.revision, ...content]);
      bytes += row.key.length + bytesOf(content);
      if (bytes >= PAGE_BYTES) break;
    }
    if (read < PAGE_ROWS && bytes < PAGE_BYTES) {
      this.#namespaces.shift();
      this.#after = '';
    }
    return { namespaceId, rows };
  }
}
