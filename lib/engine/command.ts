import type { StoredValue } from '../value/codec.js';
import type { Grant, LeaseName } from './lease.js';
import type { RunDecision, RunRecord, RunRequest } from './run.js';
import type { ThrottleDecision, ThrottleLimits, ThrottleName } from './throttle.js';

/**
 * Everything that changes the state of a cache, as plain data: what the write queue collects and the
 * executor runs, and what will travel between nodes. Times are Unix ms of the primary's clock.
 *
 * @internal
 */
export type Command =
  | SetCommand
  | FillCommand
  | AddCommand
  | SetIfCommand
  | DeleteCommand
  | PullCommand
  | TouchCommand
  | ExpireCommand
  | IncrementCommand
  | DeletePrefixCommand
  | ExpirePrefixCommand
  | DeleteTagCommand
  | ExpireTagCommand
  | ClearCommand
  | AcquireLeaseCommand
  | ExtendLeaseCommand
  | ReleaseLeaseCommand
  | ForceReleaseLeaseCommand
  | PromoteWaitersCommand
  | CancelWaitCommand
  | BeatCommand
  | ThrottleCommand
  | ResetThrottleCommand
  | BeginRunCommand
  | FinishRunCommand
  | LastRunCommand;

/** The command of each kind. @internal */
export type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;

interface KeyCommand {
  readonly namespace: string;
  readonly key: string;
}

interface ValueCommand extends KeyCommand {
  readonly value: StoredValue;
  /** When it is gone; Infinity when it never expires. */
  readonly expiresAt: number;
  /** When it is stale; undefined means `expiresAt`. */
  readonly freshUntil?: number | undefined;
  readonly tags: readonly string[];
}

/**
 * Which of the asynchronous writes of another node a command is: it is executed once, however often it comes.
 *
 * @internal
 */
export interface Origin {
  /** Random, one for each start of a node. */
  readonly source: string;
  /** Grows with each write of the source. */
  readonly sequence: number;
  /** The one that must have been executed last; undefined for the first of a request. */
  readonly follows: number | undefined;
}

/** Stores, unless its fence is out of date. Result: `{ stored, revision }`. */
export interface SetCommand extends ValueCommand {
  readonly kind: 'set';
  /** Refused when a later token of this lock was granted. */
  readonly fence?: Fence | undefined;
  readonly origin?: Origin | undefined;
}

/** The lock under which a write is made, and the token that its writer was given. @internal */
export interface Fence {
  readonly name: string;
  readonly token: number;
}

/** Stores a computed value unless something touched the key since it was found missing. Result: `{ stored, revision }`. */
export interface FillCommand extends ValueCommand {
  readonly kind: 'fill';
  /** The last revision committed when the key was found missing. */
  readonly seen: number;
  /** What an engine keeps in the place of the key while its factory runs; undefined where `seen` says all. */
  readonly claim?: string | undefined;
}

/** Stores if the key is missing or expired. Result: `{ stored, revision }`. */
export interface AddCommand extends ValueCommand {
  readonly kind: 'add';
}

/** Stores if the live entry has this revision; 0 means that there is none. Result: `{ stored, revision }`. */
export interface SetIfCommand extends ValueCommand {
  readonly kind: 'setIf';
  readonly revision: number;
}

/** Result: `{ deleted, revision }`. */
export interface DeleteCommand extends KeyCommand {
  readonly kind: 'delete';
  readonly origin?: Origin | undefined;
}

/** Reads and deletes. Result: `{ entry, revision }`. */
export interface PullCommand extends KeyCommand {
  readonly kind: 'pull';
}

/** Changes the deadline of a fresh entry; its windows stay as long as they are. Result: `{ touched, revision }`. */
export interface TouchCommand extends KeyCommand {
  readonly kind: 'touch';
  readonly expiresAt: number;
}

/**
 * Makes a fresh entry stale, or deletes it when it has no window; with `keeps` it stays as it is. A missing key is logged
 * too: whatever began before is overdue. Result: `{ expired, revision }`.
 */
export interface ExpireCommand extends KeyCommand {
  readonly kind: 'expire';
  readonly keeps?: boolean | undefined;
}

/** Adds to a fresh integer, or starts at `initial`. Result: an {@link IncrementResult}. */
export interface IncrementCommand extends KeyCommand {
  readonly kind: 'increment';
  readonly by: number;
  readonly initial: number;
  /** The deadline of a counter that starts; an existing one keeps its own. */
  readonly expiresAt: number;
}

interface PrefixCommand {
  readonly namespace: string;
  readonly prefix: string;
  readonly step: RemovalStep | undefined;
}

/** Deletes a bounded number of entries by prefix. Result: a {@link Removal}. */
export interface DeletePrefixCommand extends PrefixCommand {
  readonly kind: 'deletePrefix';
}

/** As {@link ExpireCommand}, of a bounded number of entries by prefix. Result: a {@link Removal}. */
export interface ExpirePrefixCommand extends PrefixCommand {
  readonly kind: 'expirePrefix';
}

interface TagCommand {
  readonly namespace: string;
  readonly tag: string;
  readonly step: RemovalStep | undefined;
}

/** Deletes a bounded number of entries by tag. Result: a {@link Removal}. */
export interface DeleteTagCommand extends TagCommand {
  readonly kind: 'deleteTag';
}

/** As {@link ExpireCommand}, of a bounded number of entries by tag. Result: a {@link Removal}. */
export interface ExpireTagCommand extends TagCommand {
  readonly kind: 'expireTag';
}

/** Deletes all entries of the namespace at once. Result: `{ deleted, revision }`. */
export interface ClearCommand {
  readonly kind: 'clear';
  readonly namespace: string;
}

/** A command on a lease. Result of all of them: a {@link LeaseResult}. */
interface LeaseCommand {
  readonly lease: LeaseName;
}

/** Takes a lease if one of its slots is free or expired, or joins those who wait. */
export interface AcquireLeaseCommand extends LeaseCommand {
  readonly kind: 'acquireLease';
  readonly owner: string;
  /** Milliseconds. */
  readonly ttl: number;
  /** How many may hold it at once. */
  readonly slots: number;
  /** Milliseconds to wait at most; 0 not to wait. */
  readonly wait: number;
  /** It was in the queue before, and may be in it still, or may have been served meanwhile. */
  readonly isAgain?: boolean;
  /** Its caller would wait: then it is an error that the owner has a slot already, and no answer. */
  readonly mayWait?: boolean;
}

/** Gives the live owner a new ttl from now. */
export interface ExtendLeaseCommand extends LeaseCommand {
  readonly kind: 'extendLease';
  readonly owner: string;
  readonly ttl: number;
}

/** Ends the lease of the live owner, and gives it to the first who waits. */
export interface ReleaseLeaseCommand extends LeaseCommand {
  readonly kind: 'releaseLease';
  readonly owner: string;
}

/** Ends the lease whoever holds it. */
export interface ForceReleaseLeaseCommand extends LeaseCommand {
  readonly kind: 'forceReleaseLease';
}

/** Gives what has expired to those who wait. */
export interface PromoteWaitersCommand extends LeaseCommand {
  readonly kind: 'promoteWaiters';
}

/** Leaves the queue. The result has the grant if there was one meanwhile and it is not declined. */
export interface CancelWaitCommand extends LeaseCommand {
  readonly kind: 'cancelWait';
  readonly owner: string;
  /** Whether a lease that was given meanwhile goes on to the next. */
  readonly declines: boolean;
}

/** A sign of life for the waiters of this process. Result: a {@link LeaseResult}. */
export interface BeatCommand {
  readonly kind: 'beat';
}

/** Counts a hit, unless it is blocked. Result: a {@link ThrottleDecision}. */
export interface ThrottleCommand {
  readonly kind: 'throttle';
  readonly throttle: ThrottleName;
  readonly limits: ThrottleLimits;
}

/** Forgets the hits and the block of a key. Result: `{ reset }`. */
export interface ResetThrottleCommand {
  readonly kind: 'resetThrottle';
  /** Without a name: of all throttlers. */
  readonly throttle: { readonly key: string; readonly name: string | undefined };
}

/** Notes the start of a run, if it may begin. Result: `{ decision }`. */
export interface BeginRunCommand {
  readonly kind: 'beginRun';
  readonly run: RunRequest;
}

/** Notes the end of a run. Result: `{ finished }`. */
export interface FinishRunCommand {
  readonly kind: 'finishRun';
  readonly name: string;
  readonly id: string;
  readonly ok: boolean;
}

/** Changes nothing. Result: `{ last }`. */
export interface LastRunCommand {
  readonly kind: 'lastRun';
  readonly name: string;
}

/** Where a removal of many entries goes on; its first step has none. */
export interface RemovalStep {
  /** Entries that changed after it are spared: they were written after it began. */
  readonly before: number;
  /** The key to go on from, for a prefix. */
  readonly from: string;
}

/** What one step of a removal of many entries did. @internal */
export interface Removal {
  readonly keys: readonly string[];
  /** How many of them were fresh. */
  readonly deleted: number;
  readonly revision: number;
  /** The next step; undefined when all are gone. */
  readonly next: RemovalStep | undefined;
}

/** @internal */
export interface StoreResult {
  readonly stored: boolean;
  /** The entry's revision now; of the existing one when it was not stored; 0 when there is none. */
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
  /** Whether anything was known of the key. */
  readonly reset: boolean;
}

/** A lease that went to somebody who waited for it. @internal */
export interface HandOver {
  readonly lease: LeaseName;
  readonly owner: string;
  readonly grant: Grant;
}

/** @internal */
export interface LeaseResult {
  /** Whether the command did what it says. */
  readonly done: boolean;
  /** The owner's lease now. */
  readonly grant: Grant | undefined;
  /** What the command gave to others. */
  readonly handOvers: readonly HandOver[];
  /** When the next lease of the name that somebody waits for expires, on the monotonic clock. */
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
