import type { RunRecord } from './run.js';
import type { PortableValue } from '../value/portable-value.js';

/** A fresh entry as an operator sees it: one that plain reads find. @internal */
export interface ListedEntry {
  readonly key: string;
  /** Milliseconds until it is no longer fresh; null when it never expires. */
  readonly ttl: number | null;
  readonly revision: number;
  /** Size of the encoded value. */
  readonly bytes: number;
  readonly tags: readonly string[];
  /** Present only if it was requested. */
  readonly content?: PortableValue;
}

/** @internal */
export interface ListingRequest {
  readonly namespace: string;
  readonly prefix: string;
  /** The last key that was seen; '' for the first page. */
  readonly after: string;
  /** Rows to look at, from 1 to {@link MAX_LISTED}. */
  readonly limit: number;
  readonly values: boolean;
}

/** Entries in order of the UTF-8 bytes of their keys. @internal */
export interface ListingPage {
  readonly entries: readonly ListedEntry[];
  /** The key after which the next page begins; undefined after the last page. */
  readonly next: string | undefined;
}

/** Which tags of a namespace are listed: those with a prefix, after the last tag that was seen. @internal */
export type TagRequest = Omit<ListingRequest, 'values'>;

/** A tag, and how many entries have it. @internal */
export interface ListedTag {
  readonly tag: string;
  /** Counted up to {@link MAX_TAG_COUNT}, expired ones included. */
  readonly entries: number;
}

/** @internal */
export const MAX_TAG_COUNT = 100;

/** The last run of a name. @internal */
export interface ListedRun extends RunRecord {
  readonly name: string;
}

/** One change, from the log of changes. @internal */
export interface ListedChange {
  readonly revision: number;
  readonly namespace: string;
  /** `changed`: the entry has changed again since, so what this change did is no longer known. */
  readonly kind: 'set' | 'del' | 'changed' | 'clear' | 'del-prefix' | 'del-tag';
  /** The key, the prefix or the tag; '' for a clear. */
  readonly key: string;
}

/** @internal */
export interface ChangesPage {
  readonly changes: readonly ListedChange[];
  /** The revision after which the next page begins. */
  readonly next: number;
  /** Whether changes after the given one are missing, because the log no longer holds them. */
  readonly isGap: boolean;
}

/** Rows of a page at most. @internal */
export const MAX_LISTED = 1000;

/**
 * What an operator reads of the entries that a node itself holds. It comes page by page; each page shows the committed state
 * of one moment.
 *
 * @internal
 */
export interface Listing {
  /** The namespaces, with the number of rows that they hold, expired ones included. Walks through all rows. */
  namespaces(): readonly { readonly name: string; readonly entries: number }[];
  /** Names of namespaces, in order. */
  names(): readonly string[];
  /** Rows of a namespace, expired ones included. They are counted as they come and go, so this costs nothing. */
  count(namespace: string): number;
  page(request: ListingRequest): ListingPage;
  find(namespace: string, key: string): ListedEntry | undefined;
  /** Tags in order, and the tag after which the next page begins; undefined after the last page. */
  tags(request: TagRequest): {
    readonly tags: readonly ListedTag[];
    readonly next: string | undefined;
  };
  /** The entries of a tag; `after` is the `next` of the previous page, or ''. */
  tagged(request: Omit<TagRequest, 'prefix'> & { readonly tag: string }): ListingPage;
  /** The runs that began last; none on a secondary, because the primary keeps them. */
  runs(limit: number): readonly ListedRun[];
  /** The revision of the last change. */
  head(): number;
  /** The first changes after a revision, oldest first. */
  changes(after: number, limit: number): ChangesPage;
}
