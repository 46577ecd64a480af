/**
 * Joins several strings into one key. Different parts never give the same key, whatever characters they contain: each part
 * follows its length, as in a netstring (D. J. Bernstein, 1997).
 *
 * @internal
 */
export function compositeKey(...parts: readonly string[]): string {
  let key = '';
  for (const part of parts) key += `${part.length}:${part}`;
  return key;
}
