/**
 * One text for several: different parts never make the same one, whatever characters they hold. Each part stands behind
 * its length, as in a netstring (D. J. Bernstein, 1997).
 *
 * @internal
 */
export function compositeKey(...parts: readonly string[]): string {
  let key = '';
  for (const part of parts) key += `${part.length}:${part}`;
  return key;
}
