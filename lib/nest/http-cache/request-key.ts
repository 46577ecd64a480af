import { createHash } from 'node:crypto';
import { unescape } from 'node:querystring';
import { compositeKey } from '../../common/composite-key.js';
import { MAX_KEY_BYTES } from '../../common/limits.js';

/** Characters that the key takes from the URL unchanged. */
const PLAIN = /^[\w\-.~!$&'()*+,;=:@/?[\]|^]*$/;

const OTHERS = /%[\dA-Fa-f]{2}|[^\w\-.~!$&'()*+,;=:@/?[\]|^%]/gu;

const UNRESERVED = /[\w\-.~]/;

/** How much of a long URL stays readable. */
const READABLE = 300;

/** Bytes of the digest of everything that is not in the URL. */
const DIGEST_BYTES = 16;

/**
 * Makes the key of an answer to a GET: the content of the URL, and behind the only `#` a digest of everything else.
 *
 * @param url the path and query as received
 * @param query the parameters that count
 * @param rest everything else on which the answer depends
 * @internal
 */
export function requestKey(
  url: string,
  query: 'sorted' | readonly string[] | false,
  rest: string,
): string {
  const normal = PLAIN.test(url) ? url : url.replace(OTHERS, normalized);
  const start = normal.indexOf('?');
  const path = start < 0 ? normal : normal.slice(0, start);
  const parameters = start < 0 || query === false ? '' : sorted(normal.slice(start + 1), query);
  const key = `http:GET:${path}${parameters === '' ? '' : `?${parameters}`}#${rest}`;
  // All characters are ASCII.
  if (key.length <= MAX_KEY_BYTES) return key;
  return `${key.slice(0, READABLE)}#${createHash('sha256').update(key).digest('base64url')}`;
}

/** 128 bits that identify these texts. @internal */
export function digestOf(parts: readonly string[]): string {
  const digest = createHash('sha256')
    .update(compositeKey(...parts), 'utf16le')
    .digest();
  return digest.subarray(0, DIGEST_BYTES).toString('base64url');
}

/** Escapes as RFC 3986, 6.2.2, recommends: only where needed, and in upper case. */
function normalized(found: string): string {
  if (!found.startsWith('%')) return encodeURIComponent(found.toWellFormed());
  const character = String.fromCharCode(Number.parseInt(found.slice(1), 16));
  return UNRESERVED.test(character) ? character : found.toUpperCase();
}

/** Parameters of one name keep their order, and so do those that parsers combine into one object. */
function sorted(query: string, names: 'sorted' | readonly string[]): string {
  if (query === '') return '';
  const all = query.split('&').filter((text) => text !== '');
  if (names === 'sorted' && all.length < 2) return all.join('');
  return all
    .map((text) => ({ text, base: decoded(baseOf(text)) }))
    .filter(({ text, base }) => names === 'sorted' || isOneOf(names, text, base))
    .toSorted((a, b) => (a.base < b.base ? -1 : Number(a.base > b.base)))
    .map(({ text }) => text)
    .join('&');
}

function isOneOf(names: readonly string[], text: string, base: string): boolean {
  return names.includes(base) || names.includes(decoded(text.split('=', 1)[0] ?? ''));
}

/** Returns the `a` of `a=1`, `a[b]=1` and `a.b=1`. */
function baseOf(parameter: string): string {
  const end = parameter.search(/[=[.]|%5B/);
  return end < 0 ? parameter : parameter.slice(0, end);
}

/** Decodes as query parsers do, for any text. */
function decoded(text: string): string {
  return unescape(text.replaceAll('+', ' '));
}
