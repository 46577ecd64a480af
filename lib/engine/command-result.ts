import type { StoredValue } from '../value/codec.js';
import type { RemovalStep } from './command.js';
import type { Grant, LeaseName } from './lease.js';
import type { RunDecision, RunRecord } from './run.js';
import type { ThrottleDecision } from './throttle.js';

/** What one step of a removal of many entries did. @internal */
export interface Removal {
  readonly keys: readonly string[];
  /** How many of them were fresh. */
  readonly deleted: number;
  readonly revision: number;
  /** The next step; undefined when nothing is left to remove. */
  readonly next: RemovalStep | undefined;
}

/** @internal */
export interface StoreResult {
  readonly stored: boolean;
  /** The entry's revision now; if it was not stored, the existing entry's revision; 0 when there is none. */
  readonly revision: number;
}

/** @internal */
export interface DeleteResult {
  readonly deleted: boolean;
  readonly revision: number;
}

/** @internal */
export interface PullResult {
  readonly value: StoredValue | undefined;
  readonly revision: number;
}

/** @internal */
export interface TouchResult {
  readonly touched: boolean;
  readonly revision: number;
}

/** @internal */
export interface ExpireResult {
  /** Whether the entry was fresh. */
  readonly expired: boolean;
  readonly revision: number;
}

/** @internal */
export interface IncrementResult {
  readonly value: number;
  readonly expiresAt: number;
  readonly freshUntil: number;
  readonly revision: number;
}

/** @internal */
export interface ClearResult {
  readonly deleted: number;
  readonly revision: number;
}

/** @internal */
export interface BeginRunResult {
  readonly decision: RunDecision;
}

/** @internal */
export interface FinishRunResult {
  /** Whether it was the last run of its name. */
  readonly finished: boolean;
}

/** @internal */
export interface LastRunResult {
  readonly last: RunRecord | null;
}

/** @internal */
export interface ResetThrottleResult {
  /** Whether anything was known about the key. */
  readonly reset: boolean;
}

/** A lease that was given to a waiter. @internal */
export interface HandOver {
  readonly lease: LeaseName;
  readonly owner: string;
  readonly grant: Grant;
}

/** @internal */
export interface LeaseResult {
  /** Whether the command had its effect. */
  readonly done: boolean;
  /** The owner's lease now. */
  readonly grant: Grant | undefined;
  /** What the command gave to others. */
  readonly handOvers: readonly HandOver[];
  /** When the next lease of this name that has waiters expires, on the monotonic clock. */
  readonly nextExpiry: number | undefined;
}

/** @internal */
export interface ResultOf {
  set: StoreResult;
  fill: StoreResult;
  add: StoreResult;
  setIf: StoreResult;
  delete: DeleteResult;
  pull: PullResult;
  touch: TouchResult;
  expire: ExpireResult;
  increment: IncrementResult;
  deletePrefix: Removal;
  expirePrefix: Removal;
  deleteTag: Removal;
  expireTag: Removal;
  clear: ClearResult;
  acquireLease: LeaseResult;
  extendLease: LeaseResult;
  releaseLease: LeaseResult;
  forceReleaseLease: LeaseResult;
  promoteWaiters: LeaseResult;
  cancelWait: LeaseResult;
  beat: LeaseResult;
  throttle: ThrottleDecision;
  resetThrottle: ResetThrottleResult;
  beginRun: BeginRunResult;
  finishRun: FinishRunResult;
  lastRun: LastRunResult;
}

/** @internal */
export type CommandResult = ResultOf[keyof ResultOf];
