import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

type Record =
  | ['read', key: string, id: string, at: number]
  | ['write', key: string, id: string, revision: number, at: number]
  | ['try', key: string]
  | ['done', key: string];

/** What the workers of one file have noted, put together. */
export interface JudgedJournals {
  /** By key, how often it was to be incremented, and how often that was confirmed. */
  readonly attempts: Map<string, number>;
  readonly confirmed: Map<string, number>;
  /** Of each value that was read after a newer one had been confirmed: how long after, in ms. */
  readonly staleness: number[];
  /** Reads of values that nobody is known to have written. */
  readonly unknown: number;
}

interface Written {
  readonly revision: number;
  readonly at: number;
}

/**
 * Judges by revisions: a read is stale from the moment on at which somebody was told that a later revision of the key
 * is committed. Of several reads of one value the last one was noted.
 */
export async function judgeJournals(files: readonly string[]): Promise<JudgedJournals> {
  const attempts = new Map<string, number>();
  const confirmed = new Map<string, number>();
  const writes = new Map<string, Map<string, Written>>();
  const reads: (readonly [key: string, id: string, at: number])[] = [];
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      // The last line of a worker that was killed may be torn.
      if (!line.endsWith(']')) continue;
      const record = JSON.parse(line) as Record;
      const [kind, key] = record;
      if (kind === 'try') count(attempts, key);
      else if (kind === 'done') count(confirmed, key);
      else if (kind === 'read') reads.push([key, record[2], record[3]]);
      else {
        const [, , id, revision, at] = record;
        const byId = writes.get(key) ?? new Map<string, Written>();
        writes.set(key, byId.set(id, { revision, at }));
      }
    }
  }
  const staleness: number[] = [];
  let unknown = 0;
  const supersededAt = new Map(Array.from(writes, ([key, byId]) => [key, endings(byId)]));
  for (const [key, id, at] of reads) {
    const end = supersededAt.get(key)?.get(id);
    if (end === undefined) {
      // A worker was killed between its write and its note.
      unknown++;
    } else if (at > end) staleness.push(at - end);
  }
  return { attempts, confirmed, staleness, unknown };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** From when on each value of a key is known to be superseded. */
function endings(byId: ReadonlyMap<string, Written>): Map<string, number> {
  const sorted = Array.from(byId).toSorted(([, a], [, b]) => b.revision - a.revision);
  const ends = new Map<string, number>();
  let end = Number.POSITIVE_INFINITY;
  for (const [id, { at }] of sorted) {
    ends.set(id, end);
    end = Math.min(end, at);
  }
  ends.set('', end);
  return ends;
}
