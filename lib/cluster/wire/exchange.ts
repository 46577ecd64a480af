import { HyperCacheError } from '../../common/errors.js';
import { fieldsOf, reviveError, type ErrorFields } from '../../common/revive-error.js';
import type { StoredValue } from '../../value/codec.js';
import type { CommandResult } from '../../engine/command.js';
import type { HeldLease } from '../../engine/lease.js';
import type { ChangeBatch } from './change-batch.js';
import type { Position } from './position.js';

/** What a request of another node is; stands first in it. @internal */
export const RequestKind = { Commands: 0, Queries: 1 } as const;

/** What a node can ask of its primary without changing anything; stands first in a query. @internal */
export const QueryKind = {
  Entry: 0,
  Keys: 1,
  Entries: 2,
  Holders: 3,
  Leases: 4,
  Observe: 5,
  IsCurrent: 6,
} as const;

/** An entry of the primary, or nothing. @internal */
export type EntryAnswer = readonly [value: StoredValue, expiresAt: number, revision: number] | null;

/** An entry, and the last revision that the look at it had seen for certain. @internal */
export type ObservationAnswer = readonly [seen: number, entry: EntryAnswer];

/** Keys, or keys with content, and where the next page begins. @internal */
export type KeysAnswer = readonly [keys: readonly string[], next: string | null];
/** @internal */
export type EntriesAnswer = readonly [
  entries: readonly (readonly [key: string, value: StoredValue])[],
  next: string | null,
];

/** Leases with the ms that are left of them. @internal */
export type LeasesAnswer = readonly (Omit<HeldLease, 'expiresAt'> & { readonly left: number })[];

/** What a primary answers to a batch of commands. @internal */
export interface CommandsAnswer {
  /** Where the primary stands after it. */
  readonly position: Position;
  readonly outcomes: readonly (CommandResult | HyperCacheError)[];
  /** What happened since the revision that was asked for. */
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

/** @internal */
export function changesFromWire(fields: readonly unknown[]): ChangeBatch {
  const [from, to, namespaces, changes, wireRuns] = fields as unknown as WireChanges;
  const runs = wireRuns.map(([revision, source, sequence, count]) => ({
    revision,
    source,
    sequence,
    count,
  }));
  return { from, to, namespaces, changes, runs };
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

/** The primary is believed: it has the same token, and its version is checked. @internal */
export function answerFromWire(message: readonly unknown[]): CommandsAnswer {
  const [historyId, epoch, revision, outcomes, changes] = message as [
    string,
    number,
    number,
    WireOutcome[],
    WireChanges | null,
  ];
  return {
    position: { historyId, epoch, revision },
    outcomes: outcomes.map((outcome) => (isError(outcome) ? reviveError(...outcome) : outcome)),
    changes: changes === null ? undefined : changesFromWire(changes),
  };
}

function isError(outcome: WireOutcome): outcome is WireError {
  return Array.isArray(outcome);
}
