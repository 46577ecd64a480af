import type { StoredValue } from '../common/codec.js';

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
  | IncrementCommand
  | DeletePrefixCommand
  | DeleteTagCommand
  | ClearCommand;

/** The command of each kind. @internal */
export type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;

interface KeyCommand {
  readonly namespace: string;
  readonly key: string;
}

interface ValueCommand extends KeyCommand {
  readonly value: StoredValue;
  /** Infinity when it never expires. */
  readonly expiresAt: number;
  readonly tags: readonly string[];
}

/** Stores unconditionally. Result: `{ revision }`. */
export interface SetCommand extends ValueCommand {
  readonly kind: 'set';
}

/** Stores a computed value unless something touched the key since it was found missing. Result: `{ stored, revision }`. */
export interface FillCommand extends ValueCommand {
  readonly kind: 'fill';
  /** The last revision committed when the key was found missing. */
  readonly seen: number;
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
}

/** Reads and deletes. Result: `{ entry, revision }`. */
export interface PullCommand extends KeyCommand {
  readonly kind: 'pull';
}

/** Changes the deadline of a live entry. Result: `{ touched, revision }`. */
export interface TouchCommand extends KeyCommand {
  readonly kind: 'touch';
  readonly expiresAt: number;
}

/** Adds to a live integer, or starts at `initial`. Result: `{ value, expiresAt, revision }`. */
export interface IncrementCommand extends KeyCommand {
  readonly kind: 'increment';
  readonly by: number;
  readonly initial: number;
  /** The deadline of a counter that starts; an existing one keeps its own. */
  readonly expiresAt: number;
}

/** Deletes a bounded number of entries by prefix. Result: a {@link Removal}. */
export interface DeletePrefixCommand {
  readonly kind: 'deletePrefix';
  readonly namespace: string;
  readonly prefix: string;
  readonly step: RemovalStep | undefined;
}

/** Deletes a bounded number of entries by tag. Result: a {@link Removal}. */
export interface DeleteTagCommand {
  readonly kind: 'deleteTag';
  readonly namespace: string;
  readonly tag: string;
  readonly step: RemovalStep | undefined;
}

/** Deletes all entries of the namespace at once. Result: `{ deleted, revision }`. */
export interface ClearCommand {
  readonly kind: 'clear';
  readonly namespace: string;
}

/** Where a deletion of many entries goes on; its first step has none. */
export interface RemovalStep {
  /** Entries that changed after it are spared: they were written after the deletion began. */
  readonly before: number;
  /** The key to go on from, for a prefix. */
  readonly from: string;
}

/** What one step of a deletion of many entries did. @internal */
export interface Removal {
  readonly keys: readonly string[];
  /** How many of them were live. */
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
export interface IncrementResult {
  readonly value: number;
  readonly expiresAt: number;
  readonly revision: number;
}

/** @internal */
export interface ClearResult {
  readonly deleted: number;
  readonly revision: number;
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
  increment: IncrementResult;
  deletePrefix: Removal;
  deleteTag: Removal;
  clear: ClearResult;
}

/** @internal */
export type CommandResult = ResultOf[keyof ResultOf];
