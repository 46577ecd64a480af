import { join } from 'node:path';
import { campaign } from './campaign.js';
import { digestOf, settled, type Member } from './cluster-processes.js';
import { judgeHistories } from './session-guarantees.js';

/** Of all nodes together. */
const OPERATIONS = 20_000 * campaign.factor;
const KEYS = 100;
/** Of each node, at a time. */
const WORKERS = 32;

/** No entry of the run expires between this and its end, unless it has by now. */
const EXPIRY_MARGIN_MS = 5000;

/** Where the program counts what was done under each of its locks. */
const LOCKED_KEYS = ['lock0', 'lock1', 'lock2'].map((name) => `locked-${name}`);

type Counts = Readonly<Record<string, number>>;

/** What the program `cluster-member` answers after its share; see `MixedRun` among the programs. */
interface Summary {
  readonly increments: Counts;
  readonly locked: number;
  readonly performed: Counts;
  readonly codes: Counts;
}

/** All members of a cluster have performed all verbs at once. */
export interface MixedRun {
  readonly members: readonly Member[];
  /** Of the primary, when all had come to it. */
  readonly revision: number;
  readonly seconds: number;
  readonly summaries: readonly Summary[];
  /** What each member noted, by its name. */
  readonly histories: ReadonlyMap<string, string>;
}

/** Of a run that was judged. */
export interface MixedVerdict {
  /** What contradicts the members, or what they were told. */
  readonly wrong: readonly string[];
  readonly operations: number;
  readonly seconds: number;
  readonly revision: number;
  readonly rows: number;
  readonly reads: number;
  /** Reads whose place in the order of writes is known. */
  readonly placed: number;
  readonly performed: Counts;
}

/** Resolves when all of them have done their share, and the secondaries have what the primary has. */
export async function performMixedRun(
  primaries: readonly [Member, ...Member[]],
  secondaries: readonly Member[],
  logs: string,
): Promise<MixedRun> {
  const members = [...primaries, ...secondaries];
  const startedAt = performance.now();
  const performed = await Promise.all(
    members.map(async ({ name, process }, i) => {
      const file = join(logs, `${name}.jsonl`);
      const plan = {
        operations: OPERATIONS / members.length,
        workers: WORKERS,
        keys: KEYS,
        file,
        seed: campaign.seed + i,
      };
      const { value } = await process.ask<Summary>('member', 'mixedRun', plan);
      return { name, file, summary: value };
    }),
  );
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return {
    members,
    revision: await settled(primaries[0], secondaries),
    seconds,
    summaries: performed.map(({ summary }) => summary),
    histories: new Map(performed.map(({ name, file }) => [name, file])),
  };
}

/**
 * Whether no operation failed, no member ever went back, all files hold the same rows, and everybody counts what was
 * counted, under the locks too.
 */
export async function judgeMixedRun(run: MixedRun): Promise<MixedVerdict> {
  const { members, summaries, seconds, revision } = run;
  const after = Date.now() + EXPIRY_MARGIN_MS;
  const digests = members.map((member) => digestOf(member, after));
  const { reads, placed, violations } = await judgeHistories(run.histories);
  const wrong = Object.entries(sumOf(summaries.map(({ codes }) => codes))).map(
    ([code, times]) => `${code}: ${times} times`,
  );
  wrong.push(...violations.slice(0, 10).map(({ node, key, what }) => `${node}, ${key}: ${what}`));
  const [first = { rows: 0, digest: '' }] = digests;
  if (digests.some(({ digest }) => digest !== first.digest)) {
    wrong.push(`the rows differ: ${digests.map(({ rows }) => rows).join(', ')}`);
  }
  // Most keys are never deleted: with fewer rows there was little to compare.
  if (first.rows <= KEYS) wrong.push(`only ${first.rows} rows are left`);
  if (placed <= OPERATIONS / 10) wrong.push(`only ${placed} reads could be judged`);
  wrong.push(...(await miscounts(run)));
  const performed = sumOf(summaries.map((summary) => summary.performed));
  const { rows } = first;
  return { wrong, operations: OPERATIONS, seconds, revision, rows, reads, placed, performed };
}

/** On which members a counter is not what was added to it. */
async function miscounts({ members, summaries }: MixedRun): Promise<string[]> {
  const added = sumOf(summaries.map(({ increments }) => increments));
  const locked = summaries.reduce((sum, summary) => sum + summary.locked, 0);
  const found: string[] = [];
  for (const { name, process } of members) {
    const counters = Object.keys(added);
    const { value } = await process.ask<unknown[]>('cache', 'mget', [...counters, ...LOCKED_KEYS]);
    for (const [i, key] of counters.entries()) {
      if (value[i] !== added[key]) found.push(`${name}, ${key}: ${value[i]}, not ${added[key]}`);
    }
    const counted = value
      .slice(counters.length)
      .reduce<number>((sum, n) => sum + Number(n ?? 0), 0);
    if (counted !== locked) found.push(`${name}, under the locks: ${counted}, not ${locked}`);
  }
  return found;
}

function sumOf(records: readonly Counts[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of records) {
    for (const [name, count] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}
