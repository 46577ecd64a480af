import { decodeValue, encodeValue, storedBytes, type StoredValue } from '../value/codec.js';
import { ValueTooLargeError, type HyperCacheError } from '../common/errors.js';
import type { CacheEvents } from '../common/events.js';
import type { Lifetime } from '../common/expiry.js';
import { assertKey } from '../common/keys.js';
import { CapturedValue, captureValue } from '../value/capture.js';
import type { OwnClaim } from '../engine/claims.js';
import type { CommandOf, Fence, Removal, ResultOf, StoreResult } from '../engine/command.js';
import { COMMAND_BYTES, PendingCommand, tagBytes } from '../engine/pending-command.js';
import type { L1 } from '../memory/l1.js';
import type { CommandQueue } from '../engine/command-queue.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { MemoryCoherence } from '../engine/memory-coherence.js';
import { admit, type Isolation } from '../value/isolation.js';
import { PendingSet, PendingValue, type PendingWrites, type SetOwner } from './pending-writes.js';

/** @internal */
export interface CacheWriterParts {
  readonly namespace: string;
  readonly queue: CommandQueue;
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
  readonly events: CacheEvents;
  readonly isolation: Isolation;
  /** Bytes of an encoded value. */
  readonly maxValueBytes: number;
  /** `set` and `delete` resolve before their commit. */
  readonly relaxed: boolean;
  /** A relaxed write failed after its promise had resolved. */
  readonly onLostWrite: (error: HyperCacheError) => void;
  readonly coherence: Pick<MemoryCoherence, 'keepsOwnWrites'>;
}

/** One write of several. @internal */
export interface WriteOfMany {
  readonly key: string;
  readonly value: unknown;
  readonly lifetime: Lifetime;
  readonly tags: readonly string[];
}

type RemovalKind = 'deletePrefix' | 'deleteTag' | 'expirePrefix' | 'expireTag';

/** Encoded, a captured value never takes more than this many times its estimate. */
const ENCODING_FACTOR = 6;

/** Room that a waiting relaxed set keeps for a newer value of its key. */
const SUPERSEDE_ROOM = 256;

const DONE: Promise<number> = Promise.resolve(0);
const NO_TAGS: readonly string[] = [];
const NOTHING = new CapturedValue(0);

/**
 * The write side of one namespace. Every method checks its arguments before anything changes, hands one
 * command to the queue, and brings L1 up to date when the command is committed, before its promise resolves.
 *
 * @internal
 */
export class CacheWriter {
  constructor(private readonly parts: CacheWriterParts) {}

  /** Resolves to the revision; to 0 when relaxed. */
  set(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<number> {
    assertKey(key);
    const captured = this.#capture(value);
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
      const one = this.#capture(value);
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

  /** As {@link set}, unless a later token of the lock was granted; never relaxed. */
  async setFenced(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    tags: readonly string[],
    fence: Fence,
  ): Promise<number> {
    assertKey(key);
    const captured = this.#capture(value);
    const { namespace } = this.parts;
    const encoded = this.#encode(captured);
    const command = {
      kind: 'set',
      namespace,
      key,
      value: encoded,
      ...lifetime,
      tags,
      fence,
    } as const;
    return (await this.#store(command, captured)).revision;
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
          if (deleted) this.#tellDeleted(key);
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
        // The primary answers a deletion with the result of one.
        (result) => resolve((result as ResultOf['delete']).deleted),
      );
      if (relaxed) isResolved = queue.pushRelaxed(write);
      else queue.push(write);
      pending.put(key, gone);
      l1?.delete(key);
      if (isResolved) resolve(this.#accepted().then(() => true));
    });
  }

  /** Stores what a factory made, unless something has happened to its key; resolves to whether it was stored. */
  async fill(
    claim: OwnClaim,
    captured: CapturedValue,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<boolean> {
    const value = this.#encode(captured);
    return (await this.#store(claim.fillWith({ value, ...lifetime, tags }), captured)).stored;
  }

  /** As {@link fill}, of nothing: the entry becomes an expired one, which is swept. */
  erase(claim: OwnClaim): Promise<boolean> {
    this.parts.counters.deletes++;
    const command = claim.fillWith({ value: '', expiresAt: 0, tags: NO_TAGS });
    return this.#run<'fill', boolean>(command, 0, ({ stored }) => {
      this.#forget(command.key);
      if (stored) this.#tellDeleted(command.key);
      return stored;
    });
  }

  /** Stores if the key is missing or expired. */
  add(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<ResultOf['add']> {
    assertKey(key);
    const captured = this.#capture(value);
    const { namespace } = this.parts;
    const encoded = this.#encode(captured);
    return this.#store(
      { kind: 'add', namespace, key, value: encoded, ...lifetime, tags },
      captured,
    );
  }

  /** Stores if the live entry has this revision; 0 means that there is none. */
  setIf(
    key: string,
    value: unknown,
    revision: number,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<ResultOf['setIf']> {
    assertKey(key);
    const captured = this.#capture(value);
    const { namespace } = this.parts;
    const encoded = this.#encode(captured);
    return this.#store(
      { kind: 'setIf', namespace, key, value: encoded, ...lifetime, tags, revision },
      captured,
    );
  }

  pull(key: string): Promise<unknown> {
    assertKey(key);
    const { namespace, counters } = this.parts;
    counters.deletes++;
    return this.#run<'pull', unknown>({ kind: 'pull', namespace, key }, 0, ({ value }) => {
      this.#forget(key);
      if (value === undefined) return undefined;
      this.#tellDeleted(key);
      return decodeValue(value);
    });
  }

  touch(key: string, expiresAt: number): Promise<boolean> {
    assertKey(key);
    const { namespace } = this.parts;
    return this.#run<'touch', boolean>(
      { kind: 'touch', namespace, key, expiresAt },
      0,
      ({ touched }) => {
        this.#forget(key);
        return touched;
      },
    );
  }

  increment(key: string, by: number, initial: number, expiresAt: number): Promise<number> {
    assertKey(key);
    const { namespace, counters } = this.parts;
    return this.#run<'increment', number>(
      { kind: 'increment', namespace, key, by, initial, expiresAt },
      8,
      (result) => {
        counters.sets++;
        this.#remember(key, result.value, result, 8);
        this.#tellStored(key);
        return result.value;
      },
    );
  }

  /** A fresh entry is stale from now on; resolves to whether there was one. With `keeps` it is what began before that is overdue. */
  expire(key: string, keeps = false): Promise<boolean> {
    assertKey(key);
    const { namespace } = this.parts;
    return this.#run<'expire', boolean>({ kind: 'expire', namespace, key, keeps }, 0, (result) => {
      this.#forget(key);
      return result.expired;
    });
  }

  /** Resolves to how many fresh entries went. */
  async deletePrefix(prefix: string): Promise<number> {
    const { namespace } = this.parts;
    return this.#countDeleted(
      await this.#removeInSteps(
        (step) => ({ kind: 'deletePrefix', namespace, prefix, step }),
        this.#tellDeleted,
      ),
    );
  }

  /** Resolves to how many fresh entries went. */
  async deleteTag(tag: string): Promise<number> {
    assertKey(tag, 'tag');
    const { namespace } = this.parts;
    return this.#countDeleted(
      await this.#removeInSteps(
        (step) => ({ kind: 'deleteTag', namespace, tag, step }),
        this.#tellDeleted,
      ),
    );
  }

  /** Resolves to how many entries were fresh until then. */
  expirePrefix(prefix: string): Promise<number> {
    const { namespace } = this.parts;
    return this.#removeInSteps((step) => ({ kind: 'expirePrefix', namespace, prefix, step }));
  }

  /** Resolves to how many entries were fresh until then. */
  async expireTag(tag: string): Promise<number> {
    assertKey(tag, 'tag');
    const { namespace } = this.parts;
    return this.#removeInSteps((step) => ({ kind: 'expireTag', namespace, tag, step }));
  }

  /** Resolves to how many entries went, expired ones that were not yet swept included. */
  clear(): Promise<number> {
    const { namespace, l1, events } = this.parts;
    return this.#run<'clear', number>({ kind: 'clear', namespace }, 0, ({ deleted }) => {
      l1?.clear();
      events.emit('clear', { namespace, deleted });
      return deleted;
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
      this.#admit(key, captured, lifetime);
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

  /** What a relaxed write awaits that keeps up. */
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
    this.#admit(write.key, write.captured, write.lifetime);
  }

  readonly #owner: SetOwner = {
    encode: encodeValue,
    settled: (write) => {
      this.parts.pending.settle(write.key, write);
      this.#tellStored(write.key);
    },
    abandoned: (write, error) => {
      this.parts.pending.abandon(write.key, write);
      this.parts.l1?.delete(write.key);
      if (write.reject === undefined) this.parts.onLostWrite(error);
    },
  };

  #store(
    command: CommandOf<'set' | 'fill' | 'add' | 'setIf'>,
    captured: CapturedValue,
  ): Promise<StoreResult> {
    this.parts.counters.sets++;
    const bytes = storedBytes(command.value);
    return this.#run<'set' | 'fill' | 'add' | 'setIf', StoreResult>(command, bytes, (result) => {
      if (result.stored) {
        const { expiresAt, freshUntil = expiresAt } = command;
        const lifetime = { freshUntil, expiresAt };
        this.#remember(command.key, captured.value, lifetime, captured.bytes);
        this.#tellStored(command.key);
      }
      return result;
    });
  }

  #run<K extends keyof ResultOf, T>(
    command: CommandOf<K>,
    valueBytes: number,
    settle: (result: ResultOf[K]) => T,
  ): Promise<T> {
    this.parts.pending.raiseBarrier();
    return new Promise((resolve, reject) => {
      this.parts.queue.push(
        new PendingCommand<ResultOf[K]>(
          command,
          valueBytes,
          (result) => {
            try {
              resolve(settle(result));
            } catch (error) {
              // A value that cannot be read must not break the batch that it stands in.
              reject(error);
            }
          },
          reject,
        ),
      );
    });
  }

  #countDeleted(deleted: number): number {
    this.parts.counters.deletes += deleted;
    return deleted;
  }

  async #removeInSteps(
    command: (step: Removal['next']) => CommandOf<RemovalKind>,
    tell?: (key: string) => void,
  ): Promise<number> {
    let total = 0;
    let step: Removal['next'];
    do {
      const removal: Removal = await this.#run(command(step), 0, (result: Removal) => {
        for (const key of result.keys) {
          this.parts.l1?.delete(key);
          tell?.(key);
        }
        return result;
      });
      total += removal.deleted;
      step = removal.next;
    } while (step !== undefined);
    return total;
  }

  #capture(value: unknown): CapturedValue {
    const captured = captureValue(value, this.parts.maxValueBytes);
    if (captured.bytes * ENCODING_FACTOR > this.parts.maxValueBytes) this.#encode(captured);
    return captured;
  }

  #encode(captured: CapturedValue): StoredValue {
    const { maxValueBytes } = this.parts;
    const stored = encodeValue(captured);
    const bytes = storedBytes(stored);
    if (bytes > maxValueBytes) throw new ValueTooLargeError(bytes, maxValueBytes);
    return stored;
  }

  #admit(key: string, captured: CapturedValue, lifetime: Lifetime): void {
    const { l1, isolation } = this.parts;
    if (l1 === undefined) return;
    const isCopied = admit(captured.value, isolation);
    l1.set(key, captured.value, lifetime, captured.bytes, isCopied);
  }

  /** L1 follows a committed change, unless a later write of this node already waits. */
  #remember(key: string, value: unknown, lifetime: Lifetime, bytes: number): void {
    const { l1, pending, isolation, coherence } = this.parts;
    if (l1 === undefined || pending.get(key) !== undefined) return;
    if (!coherence.keepsOwnWrites) {
      l1.delete(key);
      return;
    }
    l1.set(key, value, lifetime, bytes, admit(value, isolation));
  }

  #forget(key: string): void {
    if (this.parts.pending.get(key) === undefined) this.parts.l1?.delete(key);
  }

  #tellStored(key: string): void {
    const { set } = this.parts.events.topics;
    if (set.hasListeners) set.emit({ namespace: this.parts.namespace, key });
  }

  readonly #tellDeleted = (key: string): void => {
    const { del } = this.parts.events.topics;
    if (del.hasListeners) del.emit({ namespace: this.parts.namespace, key });
  };
}

/** Of a set that waits, for the queue's bounds. */
function setBytes(captured: CapturedValue, tags: readonly string[]): number {
  return captured.bytes + SUPERSEDE_ROOM + tagBytes(tags);
}
