import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the program `cluster-member` notes of an operation; see there. */
type Line = readonly [
  kind: 'read' | 'write' | 'gone' | 'count',
  key: string,
  id: string | null,
  revision: number | null,
  calledAt: number,
  returnedAt: number,
];

/** What is wrong in a history. */
export interface Violation {
  readonly node: string;
  readonly key: string;
  readonly what: string;
}

/** The result of judging histories. */
export interface Judgement {
  readonly reads: number;
  /** Reads whose place in the order of writes is known. */
  readonly placed: number;
  readonly violations: Violation[];
}

async function linesOf(path: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    lines.push(JSON.parse(line) as Line);
  }
  return lines;
}

/**
 * Whether on each node, key by key, a read that began after a write was done, or after another read, shows that
 * or something later ("Session Guarantees for Weakly Consistent Replicated Data", Terry et al. 1994).
 */
export async function judgeHistories(files: ReadonlyMap<string, string>): Promise<Judgement> {
  const histories = new Map<string, Line[]>();
  for (const [node, path] of files) histories.set(node, await linesOf(path));
  const revisions = revisionsIn(histories.values());
  const judgement: Judgement = { reads: 0, placed: 0, violations: [] };
  const total = { reads: 0, placed: 0 };
  for (const [node, lines] of histories) {
    for (const [key, own] of groupByKey(lines)) {
      const violations =
        own[0]?.[0] === 'count' ? judgeCounter(own) : judgeKey(key, own, revisions);
      for (const what of violations.slice(0, 3)) judgement.violations.push({ node, key, what });
    }
    for (const [kind, , id] of lines) {
      if (kind === 'write' || kind === 'gone') continue;
      total.reads++;
      if (kind === 'count' || (id !== null && revisions.has(id))) total.placed++;
    }
  }
  return { ...judgement, ...total };
}

/** The revision under which each value was written; a touch gives an entry a later one. */
function revisionsIn(histories: Iterable<readonly Line[]>): Map<string, number> {
  const revisions = new Map<string, number>();
  for (const lines of histories) {
    for (const [, , id, revision] of lines) {
      if (id === null || revision === null) continue;
      revisions.set(id, Math.min(revision, revisions.get(id) ?? Infinity));
    }
  }
  return revisions;
}

function groupByKey(lines: readonly Line[]): Map<string, Line[]> {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const group = groups.get(line[1]);
    if (group === undefined) groups.set(line[1], [line]);
    else group.push(line);
  }
  return groups;
}

/** What a read may show at least, as time goes on. */
class Floor {
  /** In order of ticks: from then on, nothing before this revision. */
  readonly #steps: { readonly tick: number; readonly revision: number }[] = [];

  raise(tick: number, revision: number): void {
    const last = this.#steps.at(-1);
    if (last === undefined || revision > last.revision) this.#steps.push({ tick, revision });
  }

  at(tick: number): number {
    let low = 0;
    let high = this.#steps.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#steps[middle]?.tick ?? Infinity) < tick) low = middle + 1;
      else high = middle;
    }
    return this.#steps[low - 1]?.revision ?? 0;
  }
}

function judgeKey(key: string, lines: readonly Line[], revisions: Map<string, number>): string[] {
  const violations: string[] = [];
  const floor = new Floor();
  const isNeverDeleted = key.startsWith('default/s');
  const inOrder = lines.toSorted((a, b) => a[5] - b[5]);
  for (const [kind, , id, , calledAt, returnedAt] of inOrder) {
    const least = floor.at(calledAt);
    if (kind === 'gone') {
      // What was seen before the deletion began must not be seen after it.
      floor.raise(returnedAt, least + 0.5);
      continue;
    }
    if (id === null) {
      if (kind === 'read' && least > 0 && isNeverDeleted) {
        violations.push(`a miss at tick ${calledAt}, although ${least} had been seen`);
      }
      continue;
    }
    const revision = revisions.get(id);
    if (revision === undefined) continue;
    if (kind === 'read' && revision < least) {
      violations.push(`${id}@${revision} at ticks ${calledAt}-${returnedAt}, after ${least}`);
    }
    floor.raise(returnedAt, revision);
  }
  return violations;
}

/** Counters only grow, so they are their own revisions. */
function judgeCounter(lines: readonly Line[]): string[] {
  const violations: string[] = [];
  const floor = new Floor();
  for (const [, , , value, calledAt, returnedAt] of lines.toSorted((a, b) => a[5] - b[5])) {
    const least = floor.at(calledAt);
    if (value === null || value < least) {
      violations.push(`${value} at ticks ${calledAt}-${returnedAt}, after ${least}`);
    } else floor.raise(returnedAt, value);
  }
  return violations;
}
