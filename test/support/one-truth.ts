import { expect } from '@jest/globals';
import { join } from 'node:path';
import { digestOf, type Member } from './cluster-processes.js';
import { eventually } from './eventually.js';
import { Journal } from './journal.js';

const PAGE_KEYS = 500;

/** Writes that a node has to achieve before the next thing happens. */
const PROGRESS = 50;

/** Of a run that was judged. */
export interface Verdict {
  /** What is not as the writers were told. */
  readonly wrong: readonly string[];
  readonly rows: number;
  readonly done: number;
  readonly unknown: number;
  readonly refused: number;
  readonly codes: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Lets all members write, each into a journal of its own. @param run one more than the last time */
export async function beginWriting(
  members: readonly Member[],
  logs: string,
  run: number,
): Promise<void> {
  const readsNodes = ['primary', 'waiting', 'accepting'];
  for (const { name, process } of members) {
    await process.ask('member', 'beginJournal', { file: join(logs, name), run, readsNodes });
  }
}

/** Resolves to what the members saw going back. */
export async function endWriting(members: readonly Member[]): Promise<string[]> {
  const answers = await Promise.all(
    members.map(async ({ process }) => (await process.ask<string[]>('member', 'endJournal')).value),
  );
  return answers.flat();
}

/** Resolves when every member has got more writes acknowledged. */
export async function progressOf(members: readonly Member[]): Promise<void> {
  const count = async ({ process }: Member): Promise<number> =>
    (await process.ask<number>('member', 'journaled')).value;
  await Promise.all(
    members.map(async (member) => {
      const before = await count(member);
      await eventually(async () => expect(await count(member)).toBeGreaterThan(before + PROGRESS), {
        timeoutMs: 30_000,
      });
    }),
  );
}

/**
 * Whether all nodes have the same rows, and these are what the writers of each node were told: nothing that was
 * accepted is missing, nothing was done twice or out of order.
 */
export async function judge(
  primary: Member,
  members: readonly Member[],
  logs: string,
): Promise<Verdict> {
  const digests = members.map((member) => digestOf(member, Date.now()));
  const journals = members.map(({ name }) => new Journal(name, join(logs, name)));
  const held = await valuesOn(
    primary,
    journals.flatMap(({ keys }) => keys),
  );
  const wrong = journals.flatMap((journal) => journal.judge(held)).slice(0, 10);
  if (new Set(digests.map(({ digest }) => digest)).size > 1) {
    wrong.push(`the rows differ: ${digests.map(({ rows }) => rows).join(', ')}`);
  }
  const sum = { done: 0, unknown: 0, refused: 0 };
  for (const { counts } of journals) {
    sum.done += counts.done;
    sum.unknown += counts.unknown;
    sum.refused += counts.refused;
  }
  const codes = Object.fromEntries(journals.map((journal) => [journal.node, journal.codes]));
  return { wrong, rows: digests[0]?.rows ?? 0, ...sum, codes };
}

async function valuesOn(
  { process }: Member,
  keys: readonly string[],
): Promise<Map<string, unknown>> {
  const held = new Map<string, unknown>();
  for (let i = 0; i < keys.length; i += PAGE_KEYS) {
    const page = keys.slice(i, i + PAGE_KEYS);
    const { value } = await process.ask<unknown[]>('cache', 'mget', page);
    for (const [j, key] of page.entries()) held.set(key, value[j]);
  }
  return held;
}
