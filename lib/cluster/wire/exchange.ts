import { HyperCacheError } from '../../common/errors.js';
import { fieldsOf, reviveError, type ErrorFields } from '../../common/revive-error.js';
import type { StoredValue } from '../../value/codec.js';
import type { CommandResult } from '../../engine/command-result.js';
import type { HeldLease } from '../../engine/lease.js';
import type { ChangeBatch } from './change-batch.js';
import { Fields, malformed, unpackArray, type WireLifetime } from './fields.js';
import type { Position } from './position.js';
import { readAnswer } from './read-answer.js';

/** The kind of a request of another node; its first field. @internal */
export const RequestKind = { Commands: 0, Queries: 1 } as const;

/** What a node can ask of its primary without changing anything; the first field of a query. @internal */
export const QueryKind = {
  Entry: 0,
  Keys: 1,
  Entries: 2,
  Holders: 3,
  Leases: 4,
  Observe: 5,
  IsCurrent: 6,
} as const;

/** An entry of the primary, fresh or stale; null when there is none. @internal */
export type EntryAnswer =
  readonly [value: StoredValue, lifetime: WireLifetime, revision: number] | null;

/** An entry, and the last revision that the read certainly covered. @internal */
export type ObservationAnswer = readonly [seen: number, entry: EntryAnswer];

/** Keys or entries, and the key after which the next page begins. @internal */
export type PageAnswer<T> = readonly [items: readonly T[], next: string | null];

/** Leases, each with the ms left until it ends. @internal */
export type LeasesAnswer = readonly (Omit<HeldLease, 'expiresAt'> & { readonly left: number })[];

/** A primary's answer to a batch of commands. @internal */
export interface CommandsAnswer {
  /** The primary's position after the batch. */
  readonly position: Position;
  readonly outcomes: readonly (CommandResult | HyperCacheError)[];
  /** The changes since the requested revision. */
  readonly changes: ChangeBatch | undefined;
}

type WireError = readonly [code: string, message: string, fields: ErrorFields];
type WireOutcome = CommandResult | WireError;
type WireChanges = readonly [
  from: number,
  to: number,
  namespaces: ChangeBatch['namespaces'],
  changes: ChangeBatch['changes'],
  runs: readonly WireRun[],
];
type WireRun = readonly [revision: number, source: string, sequence: number, count: number];

/** @internal */
export function changesToWire(batch: ChangeBatch): WireChanges {
  const { from, to, namespaces, changes, runs } = batch;
  const wireRuns = runs.map(({ revision, source, sequence, count }): WireRun => [
    revision,
    source,
    sequence,
    count,
  ]);
  return [from, to, namespaces, changes, wireRuns];
}

/** @throws what {@link readAnswer} takes @internal */
export function changesFromWire(message: readonly unknown[]): ChangeBatch {
  const fields = new Fields(message);
  const from = fields.integer();
  const to = fields.integer();
  const namespaces = fields.list();
  const changes = fields.list();
  const runs = fields.list();
  const isMeant =
    from <= to &&
    namespaces.every(isList) &&
    changes.every((change) => isList(change) && change.slice(0, 3).every(Number.isSafeInteger));
  if (!isMeant) throw malformed('changes');
  return {
    from,
    to,
    namespaces: namespaces as ChangeBatch['namespaces'],
    changes: changes as ChangeBatch['changes'],
    runs: runs.map((run) => {
      const one = new Fields(isList(run) ? run : []);
      const revision = one.integer();
      return { revision, source: one.string(), sequence: one.integer(), count: one.integer() };
    }),
  };
}

/** @internal */
export function answerToWire({ position, outcomes, changes }: CommandsAnswer): unknown[] {
  const { historyId, epoch, revision } = position;
  return [
    historyId,
    epoch,
    revision,
    outcomes.map((outcome): WireOutcome =>
      outcome instanceof HyperCacheError
        ? [outcome.code, outcome.message, fieldsOf(outcome)]
        : outcome,
    ),
    changes === undefined ? null : changesToWire(changes),
  ];
}

/** Trusts the primary, because it has the same token and its version is checked. @throws {HC_PRIMARY_MISMATCH} @internal */
export function answerFromWire(bytes: Buffer): CommandsAnswer {
  return readAnswer(() => {
    const fields = new Fields(unpackArray(bytes));
    const position = positionOf(fields);
    const outcomes = fields.list().map((outcome) => {
      if (!isList(outcome)) return resultOf(outcome);
      const [code, message, more] = outcome;
      return reviveError(String(code), String(message), isList(more) ? (more as ErrorFields) : []);
    });
    const changes = fields.any();
    return {
      position,
      outcomes,
      changes: isList(changes) ? changesFromWire(changes) : undefined,
    };
  });
}

/** A primary's position, with which its answers begin. @throws what {@link readAnswer} takes @internal */
export function positionOf(fields: Fields): Position {
  const historyId = fields.string();
  const epoch = fields.integer();
  return { historyId, epoch, revision: fields.integer() };
}

function resultOf(outcome: unknown): CommandResult {
  if (typeof outcome !== 'object' || outcome === null) throw malformed('an outcome');
  return outcome as CommandResult;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
