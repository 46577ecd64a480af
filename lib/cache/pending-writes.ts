import type { StoredValue } from '../value/codec.js';
import type { HyperCacheError } from '../common/errors.js';
import type { Lifetime } from '../common/expiry.js';
import type { CapturedValue } from '../value/capture.js';
import type { Command, SetCommand } from '../engine/command.js';
import type { CommandResult, StoreResult } from '../engine/command-result.js';
import type { QueuedWrite, WriteLabel } from '../engine/command-queue.js';

type Fail = (error: HyperCacheError) => void;

/** What the node's own reads see of a key before its write is committed. @internal */
export interface PendingEntry extends Lifetime {
  /** `undefined` for a deletion. */
  readonly value: unknown;
  /** The write that it covers until it is committed; {@link PendingWrites} maintains this field and the next one. */
  before: PendingEntry | undefined;
  isOver: boolean;
}

/** A pending write of a value that does not change any more. @internal */
export class PendingValue implements PendingEntry {
  before: PendingEntry | undefined;
  isOver = false;

  constructor(
    readonly value: unknown,
    readonly expiresAt: number,
    readonly freshUntil = expiresAt,
  ) {}
}

/**
 * The map is replaced after this many writes have ended. Each time V8 makes room in a map, the old table refers to the new
 * one. Once one of these tables has aged, all later tables, and the writes in them, survive collections of the young
 * generation.
 */
const MAP_USES = 256;

/**
 * The writes of one namespace that wait for their commit, by key: for each key, the last write whose effect is known. If that
 * write fails, the one before it is visible again, if it still waits.
 *
 * @internal
 */
export class PendingWrites {
  #byKey = new Map<string, PendingEntry>();
  #ended = 0;
  #sequence = 0;
  #barrier = 0;

  get size(): number {
    return this.#byKey.size;
  }

  /** Writes of every kind that have begun. */
  get begun(): number {
    return this.#sequence;
  }

  get(key: string): PendingEntry | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(key);
  }

  put(key: string, write: PendingEntry): number {
    write.before = this.get(key);
    this.#byKey.set(key, write);
    return ++this.#sequence;
  }

  /** The write is committed, so no write before it counts any more. */
  settle(key: string, write: PendingEntry): void {
    write.isOver = true;
    write.before = undefined;
    if (this.#byKey.get(key) === write) this.#byKey.delete(key);
    if (++this.#ended < MAP_USES + 2 * this.#byKey.size) return;
    this.#ended = 0;
    this.#byKey = new Map(this.#byKey);
  }

  /** The write has failed. */
  abandon(key: string, write: PendingEntry): void {
    write.isOver = true;
    if (this.#byKey.get(key) !== write) return;
    let { before } = write;
    while (before?.isOver === true) before = before.before;
    if (before === undefined) this.#byKey.delete(key);
    else this.#byKey.set(key, before);
  }

  /** An operation joins the queue that no later set may overtake. */
  raiseBarrier(): void {
    this.#barrier = ++this.#sequence;
  }

  isBehindBarrier(sequence: number): boolean {
    return sequence <= this.#barrier;
  }
}

/** The creator of a set. @internal */
export interface SetOwner {
  encode(captured: CapturedValue): StoredValue;
  settled(write: PendingSet): void;
  abandoned(write: PendingSet, error: HyperCacheError): void;
}

/** A set that waits for its commit. Its value is encoded when its batch is written. @internal */
export class PendingSet implements QueuedWrite<Command, CommandResult>, PendingEntry {
  /** Place among the pending writes; see {@link PendingWrites.raiseBarrier}. */
  sequence = 0;
  before: PendingEntry | undefined;
  isOver = false;
  /** Set once its batch is taken. */
  #command: SetCommand | undefined;

  constructor(
    readonly namespace: string,
    readonly key: string,
    public captured: CapturedValue,
    public lifetime: Lifetime,
    readonly tags: readonly string[],
    readonly bytes: number,
    private readonly owner: SetOwner,
    public resolve: ((revision: number) => void) | undefined,
    public reject: Fail | undefined,
  ) {}

  get value(): unknown {
    return this.captured.value;
  }

  get freshUntil(): number {
    return this.lifetime.freshUntil;
  }

  get expiresAt(): number {
    return this.lifetime.expiresAt;
  }

  get label(): WriteLabel {
    return { kind: 'set', namespace: this.namespace };
  }

  /** Encoded once, although a batch that meets a locked file is taken again and again. */
  get command(): SetCommand {
    return (this.#command ??= {
      kind: 'set',
      namespace: this.namespace,
      key: this.key,
      value: this.owner.encode(this.captured),
      expiresAt: this.lifetime.expiresAt,
      freshUntil: this.lifetime.freshUntil,
      tags: this.tags,
    });
  }

  /** Takes over a newer value for the same key; returns false when it cannot. */
  supersede(captured: CapturedValue, lifetime: Lifetime): boolean {
    const isPlain = this.resolve === undefined && this.tags.length === 0;
    if (this.#command !== undefined || !isPlain || captured.bytes > this.bytes) return false;
    this.captured = captured;
    this.lifetime = lifetime;
    return true;
  }

  /** The write was durably accepted, so its caller need not wait. */
  accepted(): void {
    this.resolve?.(0);
    this.resolve = this.reject = undefined;
  }

  answered(result: CommandResult): void {
    this.resolve?.((result as StoreResult).revision);
    this.resolve = this.reject = undefined;
  }

  committed(result: CommandResult): void {
    this.owner.settled(this);
    // The executor answers each kind of command with the result of its kind (ResultOf).
    this.resolve?.((result as StoreResult).revision);
  }

  failed(error: HyperCacheError): void {
    this.owner.abandoned(this, error);
    this.reject?.(error);
  }
}
