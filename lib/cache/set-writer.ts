import type { HyperCacheError } from '../common/errors.js';
import type { Lifetime } from '../common/expiry.js';
import { assertKey } from '../common/keys.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { CommandQueue } from '../engine/command-queue.js';
import type { ResultOf } from '../engine/command-result.js';
import { COMMAND_BYTES, PendingCommand, tagBytes } from '../engine/pending-command.js';
import type { L1 } from '../memory/l1.js';
import { CapturedValue } from '../value/capture.js';
import { encodeValue } from '../value/codec.js';
import { PendingSet, PendingValue, type PendingWrites, type SetOwner } from './pending-writes.js';
import type { WriteEffects } from './write-effects.js';

/** @internal */
export interface SetWriterParts {
  readonly namespace: string;
  readonly queue: CommandQueue;
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
  readonly effects: WriteEffects;
  /** `set` and `delete` resolve before their commit. */
  readonly relaxed: boolean;
  /** Called when a relaxed write fails after its promise has resolved. */
  readonly onLostWrite: (error: HyperCacheError) => void;
}

/** One write of several. @internal */
export interface WriteOfMany {
  readonly key: string;
  readonly value: unknown;
  readonly lifetime: Lifetime;
  readonly tags: readonly string[];
}

/** Room that a waiting relaxed set reserves for a newer value of its key. */
const SUPERSEDE_ROOM = 256;

const DONE: Promise<number> = Promise.resolve(0);
const NO_TAGS: readonly string[] = [];
const NOTHING = new CapturedValue(0);

/**
 * Plain sets and deletions of one namespace. The node's own reads see them from the call on, and they may be relaxed.
 *
 * @internal
 */
export class SetWriter {
  readonly #effects: WriteEffects;

  constructor(private readonly parts: SetWriterParts) {
    this.#effects = parts.effects;
  }

  /** Resolves to the revision; to 0 when relaxed. */
  set(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<number> {
    assertKey(key);
    const captured = this.#effects.capture(value);
    this.parts.counters.sets++;
    return this.parts.relaxed
      ? this.#setRelaxed(key, captured, lifetime, tags)
      : new Promise((resolve, reject) => {
          const write = this.#pendingSet(key, captured, lifetime, tags, resolve, reject);
          this.parts.queue.push(write);
          this.#announce(write);
        });
  }

  /** Sets all or, if one of them is not acceptable, none. */
  async setMany(entries: readonly WriteOfMany[]): Promise<void> {
    const { relaxed, counters, queue } = this.parts;
    let bytes = 0;
    const captured = entries.map(({ key, value, tags }) => {
      assertKey(key);
      const one = this.#effects.capture(value);
      bytes += setBytes(one, tags);
      return one;
    });
    queue.assertRoom(entries.length, bytes);
    counters.sets += entries.length;
    if (relaxed) {
      await Promise.all(
        entries.map(({ key, lifetime, tags }, i) =>
          this.#setRelaxed(key, captured[i] ?? NOTHING, lifetime, tags),
        ),
      );
      return;
    }
    if (entries.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      let left = entries.length;
      const committed = (): void => {
        if (--left === 0) resolve();
      };
      for (const [i, { key, lifetime, tags }] of entries.entries()) {
        const value = captured[i] ?? NOTHING;
        const write = this.#pendingSet(key, value, lifetime, tags, committed, reject);
        queue.push(write);
        this.#announce(write);
      }
    });
  }

  /** Deletes all or, if one of the keys is not acceptable, none; resolves to which of them were live. */
  async deleteMany(keys: readonly string[]): Promise<boolean[]> {
    for (const key of keys) assertKey(key);
    this.parts.queue.assertRoom(keys.length, keys.length * COMMAND_BYTES);
    return await Promise.all(keys.map((key) => this.delete(key)));
  }

  /** Resolves to whether there was a live entry; to true when relaxed. */
  delete(key: string): Promise<boolean> {
    assertKey(key);
    const { queue, pending, l1, counters, namespace, relaxed, onLostWrite } = this.parts;
    counters.deletes++;
    const gone = new PendingValue(undefined, 0);
    return new Promise((resolve, reject) => {
      let isResolved = false;
      const write = new PendingCommand<ResultOf['delete']>(
        { kind: 'delete', namespace, key },
        0,
        ({ deleted }) => {
          pending.settle(key, gone);
          if (deleted) this.#effects.emitDeleted(key);
          resolve(deleted);
        },
        (error) => {
          pending.abandon(key, gone);
          if (isResolved) onLostWrite(error);
          reject(error);
        },
        () => {
          isResolved = true;
          resolve(true);
        },
        // The primary answers a deletion with the result of a deletion.
        (result) => resolve((result as ResultOf['delete']).deleted),
      );
      if (relaxed) isResolved = queue.pushRelaxed(write);
      else queue.push(write);
      pending.put(key, gone);
      l1?.delete(key);
      if (isResolved) resolve(this.#accepted().then(() => true));
    });
  }

  #setRelaxed(
    key: string,
    captured: CapturedValue,
    lifetime: Lifetime,
    tags: readonly string[],
  ): Promise<number> {
    const { queue, pending } = this.parts;
    const waiting = pending.get(key);
    if (
      waiting instanceof PendingSet &&
      tags.length === 0 &&
      !pending.isBehindBarrier(waiting.sequence) &&
      queue.keepsUp() &&
      waiting.supersede(captured, lifetime)
    ) {
      this.#effects.admit(key, captured, lifetime);
      return this.#accepted();
    }
    const write = this.#pendingSet(key, captured, lifetime, tags, undefined, undefined);
    const keepsUp = queue.pushRelaxed(write);
    this.#announce(write);
    if (keepsUp) return this.#accepted();
    return new Promise((resolve, reject) => {
      write.resolve = resolve;
      write.reject = reject;
    });
  }

  /** What a relaxed write awaits while the queue keeps up. */
  #accepted(): Promise<number> {
    return this.parts.queue.rest()?.then(() => 0) ?? DONE;
  }

  #pendingSet(
    key: string,
    captured: CapturedValue,
    lifetime: Lifetime,
    tags: readonly string[],
    resolve: ((revision: number) => void) | undefined,
    reject: ((error: HyperCacheError) => void) | undefined,
  ): PendingSet {
    return new PendingSet(
      this.parts.namespace,
      key,
      captured,
      lifetime,
      tags,
      setBytes(captured, tags),
      this.#owner,
      resolve,
      reject,
    );
  }

  /** From here on the node's own reads see the value, in L1 or among the pending writes. */
  #announce(write: PendingSet): void {
    write.sequence = this.parts.pending.put(write.key, write);
    this.#effects.admit(write.key, write.captured, write.lifetime);
  }

  readonly #owner: SetOwner = {
    encode: encodeValue,
    settled: (write) => {
      this.parts.pending.settle(write.key, write);
      this.#effects.emitStored(write.key);
    },
    abandoned: (write, error) => {
      this.parts.pending.abandon(write.key, write);
      this.parts.l1?.delete(write.key);
      if (write.reject === undefined) this.parts.onLostWrite(error);
    },
  };
}

/** Size of a set that waits, for the queue's bounds. */
function setBytes(captured: CapturedValue, tags: readonly string[]): number {
  return captured.bytes + SUPERSEDE_ROOM + tagBytes(tags);
}
