import type { OptionProblem } from '../common/errors.js';

/**
 * Reports option names that do not exist.
 *
 * @param known the names that exist
 * @param show how the error shows a name
 * @internal
 */
export function unknownNames(
  given: object,
  known: readonly string[],
  show = (name: string): string => name,
): OptionProblem[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearestName(name, known);
      return {
        option: show(name),
        value: 'not an option',
        instead: near === undefined ? 'remove it' : `write ${near}`,
      };
    });
}

/** The name that was probably meant: it differs only in case, or by at most two edits. */
function nearestName(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const known of names) {
    const distance = editDistance(name.toLowerCase(), known.toLowerCase());
    if (distance < bestDistance) {
      best = known;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
