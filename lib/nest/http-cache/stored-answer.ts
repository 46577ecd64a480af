import type { OutgoingHttpHeaders } from 'node:http';
import type { HttpResponse } from './http-response.js';

/** Headers as they are stored: names in lower case. @internal */
export type StoredHeaders = Readonly<Record<string, string | readonly string[]>>;

/** The form of an answer in the cache. It passes through the codec, and may come from another release. @internal */
export interface StoredAnswer {
  /** Distinguishes it from values that the application has stored under the key itself. */
  readonly hcHttp: 1;
  readonly status: number;
  readonly headers: StoredHeaders;
  /** Undefined when the route makes none. */
  readonly etag?: string | undefined;
  /** When it was made, in Unix ms. */
  readonly at: number;
  /** The body as the handler returned it, unless there are bytes. */
  readonly body?: unknown;
  /** The bytes as they are sent. */
  readonly bytes?: Uint8Array | undefined;
}

/** @internal */
export function isStoredAnswer(value: unknown): value is StoredAnswer {
  return typeof value === 'object' && value !== null && 'hcHttp' in value && value.hcHttp === 1;
}

/** Headers that belong to one connection (RFC 9110, 7.6.1), or that are made for each answer. */
const NEVER_STORED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'date',
  'content-length',
  'age',
  'x-cache',
  'cache-status',
]);

/**
 * Returns the headers that the handler has added or changed.
 *
 * @param before the headers at its start
 * @internal
 */
export function headersAdded(before: OutgoingHttpHeaders, response: HttpResponse): StoredHeaders {
  const added: Record<string, string | readonly string[]> = {};
  const after = response.headers();
  for (const name in after) {
    const value = after[name];
    if (value === undefined || isSame(value, before[name])) continue;
    const lower = name.toLowerCase();
    if (NEVER_STORED.has(lower)) continue;
    added[lower] = Array.isArray(value) ? value.slice() : String(value);
  }
  return added;
}

/** The tokens of a header that is a list, in lower case. @internal */
export function tokensOf(value: OutgoingHttpHeaders[string] | readonly string[]): string[] {
  return String(value ?? '')
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
}

/** Adds the missing names to `Vary`. @internal */
export function addVary(response: HttpResponse, names: readonly string[]): void {
  const present = tokensOf(response.get('vary'));
  const missing = names.filter((name) => !present.includes(name));
  if (missing.length > 0) response.set('vary', [...present, ...missing].join(', '));
}

function isSame(value: OutgoingHttpHeaders[string], before: OutgoingHttpHeaders[string]): boolean {
  if (value === before) return true;
  return Array.isArray(value) && Array.isArray(before)
    ? value.length === before.length && value.every((each, i) => each === before[i])
    : String(value) === String(before) && before !== undefined;
}
