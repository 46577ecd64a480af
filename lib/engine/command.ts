import type { StoredValue } from '../value/codec.js';
import type { LeaseName } from './lease.js';
import type { RunRequest } from './run.js';
import type { ThrottleLimits, ThrottleName } from './throttle.js';

/**
 * Everything that changes the state of a cache, as plain data. The write queue collects commands, the executor runs them, and
 * nodes send them to each other. Times are Unix ms of the primary's clock.
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
  /** When it expires; Infinity when it never expires. */
  readonly expiresAt: number;
  /** When it becomes stale; undefined means `expiresAt`. */
  readonly freshUntil?: number | undefined;
  readonly tags: readonly string[];
}

/**
 * Identifies an asynchronous write of another node, so that it is executed once, however often it arrives.
 *
 * @internal
 */
export interface Origin {
  /** Random, one for each start of a node. */
  readonly source: string;
  /** Grows with each write of the source. */
  readonly sequence: number;
  /** The sequence that must have been executed last; undefined for the first write of a request. */
  readonly follows: number | undefined;
}

/** Stores a value, unless its fence is out of date. Result: `{ stored, revision }`. */
export interface SetCommand extends ValueCommand {
  readonly kind: 'set';
  /** The write is refused when a later token of this lock was granted. */
  readonly fence?: Fence | undefined;
  readonly origin?: Origin | undefined;
}

/** The lock under which a write is made, and the token of its writer. @internal */
export interface Fence {
  readonly name: string;
  readonly token: number;
}

/** Stores a computed value, unless the key changed after it was found missing. Result: `{ stored, revision }`. */
export interface FillCommand extends ValueCommand {
  readonly kind: 'fill';
  /** The last revision committed when the key was found missing. */
  readonly seen: number;
  /** What an engine keeps in the place of the key while its factory runs; undefined where `seen` is enough. */
  readonly claim?: string | undefined;
}

/** Stores a value if the key is missing or expired. Result: `{ stored, revision }`. */
export interface AddCommand extends ValueCommand {
  readonly kind: 'add';
}

/** Stores a value if the live entry has this revision; 0 means that there is no entry. Result: `{ stored, revision }`. */
export interface SetIfCommand extends ValueCommand {
  readonly kind: 'setIf';
  readonly revision: number;
}

/** Result: `{ deleted, revision }`. */
export interface DeleteCommand extends KeyCommand {
  readonly kind: 'delete';
  readonly origin?: Origin | undefined;
}

/** Reads an entry and deletes it. Result: `{ entry, revision }`. */
export interface PullCommand extends KeyCommand {
  readonly kind: 'pull';
}

/** Changes the deadline of a fresh entry; its windows keep their length. Result: `{ touched, revision }`. */
export interface TouchCommand extends KeyCommand {
  readonly kind: 'touch';
  readonly expiresAt: number;
}

/**
 * Makes a fresh entry stale, or deletes it when it has no window; with `keeps` the entry stays unchanged. A missing key is
 * logged too: every factory that began before is out of date. Result: `{ expired, revision }`.
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
  /** The deadline of a new counter; an existing counter keeps its own. */
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

/** As {@link ExpireCommand}, for a bounded number of entries by prefix. Result: a {@link Removal}. */
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

/** As {@link ExpireCommand}, for a bounded number of entries by tag. Result: a {@link Removal}. */
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

/** Takes a lease if one of its slots is free or expired; otherwise joins its queue. */
export interface AcquireLeaseCommand extends LeaseCommand {
  readonly kind: 'acquireLease';
  readonly owner: string;
  /** Milliseconds. */
  readonly ttl: number;
  /** How many owners may hold it at the same time. */
  readonly slots: number;
  /** Milliseconds to wait at most; 0 means not to wait. */
  readonly wait: number;
  /** The owner was in the queue before. It may still be there, or may have received the lease in the meantime. */
  readonly isAgain?: boolean;
  /** The caller would wait. It is then an error, and not an answer, that the owner already has a slot. */
  readonly mayWait?: boolean;
}

/** Gives the live owner a new ttl from now. */
export interface ExtendLeaseCommand extends LeaseCommand {
  readonly kind: 'extendLease';
  readonly owner: string;
  readonly ttl: number;
}

/** Ends the lease of the live owner, and gives it to the first waiter. */
export interface ReleaseLeaseCommand extends LeaseCommand {
  readonly kind: 'releaseLease';
  readonly owner: string;
}

/** Ends the lease, whichever owner holds it. */
export interface ForceReleaseLeaseCommand extends LeaseCommand {
  readonly kind: 'forceReleaseLease';
}

/** Gives expired leases to waiters. */
export interface PromoteWaitersCommand extends LeaseCommand {
  readonly kind: 'promoteWaiters';
}

/** Leaves the queue. The result contains a grant that came in the meantime, unless it is declined. */
export interface CancelWaitCommand extends LeaseCommand {
  readonly kind: 'cancelWait';
  readonly owner: string;
  /** Whether a lease that was granted in the meantime passes to the next waiter. */
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
  /** Without a name, the key is reset for all throttlers. */
  readonly throttle: { readonly key: string; readonly name: string | undefined };
}

/** Records the start of a run, if it may begin. Result: `{ decision }`. */
export interface BeginRunCommand {
  readonly kind: 'beginRun';
  readonly run: RunRequest;
}

/** Records the end of a run. Result: `{ finished }`. */
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

/** Where a removal of many entries continues; its first step has none. */
export interface RemovalStep {
  /** Entries that changed after this revision are spared: they were written after the removal began. */
  readonly before: number;
  /** The key from which a removal by prefix continues. */
  readonly from: string;
}
