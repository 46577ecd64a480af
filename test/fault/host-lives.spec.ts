import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../support/programs/sabotaged.mjs', import.meta.url));
const factor = Number(process.env['HC_FAULT_FACTOR'] ?? 1);

interface Report {
  /** By place: operations of a round, and how many have failed in all. */
  readonly ran: Readonly<Record<string, { readonly seen: number; readonly hits: number }>>;
  /** What was wrong afterwards: a process event, a node that writes no more, two that do not follow each other. */
  readonly found: readonly unknown[];
}

/** Runs the program with operations of these places failing, so many of each, one at a time. */
async function sabotage(places: readonly string[], every: number): Promise<Report> {
  const config = JSON.stringify({ places, every: Math.ceil(every * factor) });
  const { stdout } = await promisify(execFile)(process.execPath, [program, config]);
  return JSON.parse(stdout) as Report;
}

describe('A process whose nodes meet a failure', () => {
  it.each([
    ['of an operation on a file', ['sql', 'full', 'busy', 'fs'], 4],
    ['of a listener', ['listener'], 3],
    [
      'of a function that the application gave',
      ['factory', 'ttl', 'onStored', 'onRefreshed', 'locked'],
      1,
    ],
  ])('goes on, and so do its nodes: %s', async (_what, places, every) => {
    const { ran, found } = await sabotage(places, every);

    expect(found).toEqual([]);
    for (const [place, { seen, hits }] of Object.entries(ran)) {
      if (seen > 0) expect({ place, hits: hits > 0 }).toEqual({ place, hits: true });
    }
  });
});
