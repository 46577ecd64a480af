import type { CacheEvents } from '../common/events.js';
import type { Lifetime } from '../common/expiry.js';
import { assertKey } from '../common/keys.js';
import type { CacheCounters } from '../engine/cache-stats.js';
import type { OwnClaim } from '../engine/claims.js';
import type { CommandQueue } from '../engine/command-queue.js';
import type { CommandOf, Fence } from '../engine/command.js';
import type { Removal, ResultOf, StoreResult } from '../engine/command-result.js';
import { PendingCommand } from '../engine/pending-command.js';
import type { L1 } from '../memory/l1.js';
import type { CapturedValue } from '../value/capture.js';
import { decodeValue, storedBytes } from '../value/codec.js';
import type { PendingWrites } from './pending-writes.js';
import type { WriteEffects } from './write-effects.js';

/** @internal */
export interface CacheWriterParts {
  readonly namespace: string;
  readonly queue: CommandQueue;
  readonly l1: L1 | undefined;
  readonly pending: PendingWrites;
  readonly counters: CacheCounters;
  readonly events: CacheEvents;
  readonly effects: WriteEffects;
}

type RemovalKind = 'deletePrefix' | 'deleteTag' | 'expirePrefix' | 'expireTag';

const NO_TAGS: readonly string[] = [];

/**
 * Writes of one namespace whose outcome the engine decides. Every method checks its arguments before anything changes, and
 * hands one command to the queue. It updates L1 when the command is committed, before its promise resolves.
 *
 * @internal
 */
export class CacheWriter {
  readonly #effects: WriteEffects;

  constructor(private readonly parts: CacheWriterParts) {
    this.#effects = parts.effects;
  }

  /** Stores a value, unless a later token of the lock was granted. */
  async setFenced(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    tags: readonly string[],
    fence: Fence,
  ): Promise<number> {
    assertKey(key);
    const captured = this.#effects.capture(value);
    const { namespace } = this.parts;
    const encoded = this.#effects.encode(captured);
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

  /** Stores what a factory made, unless its key has changed; resolves to whether it was stored. */
  async fill(
    claim: OwnClaim,
    captured: CapturedValue,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<boolean> {
    const value = this.#effects.encode(captured);
    return (await this.#store(claim.fillWith({ value, ...lifetime, tags }), captured)).stored;
  }

  /** As {@link fill}, but without a value: the entry becomes an expired one, which is swept. */
  erase(claim: OwnClaim): Promise<boolean> {
    this.parts.counters.deletes++;
    const command = claim.fillWith({ value: '', expiresAt: 0, tags: NO_TAGS });
    return this.#run<'fill', boolean>(command, 0, ({ stored }) => {
      this.#effects.forget(command.key);
      if (stored) this.#effects.emitDeleted(command.key);
      return stored;
    });
  }

  /** Stores a value if the key is missing or expired. */
  add(
    key: string,
    value: unknown,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<ResultOf['add']> {
    assertKey(key);
    const captured = this.#effects.capture(value);
    const { namespace } = this.parts;
    const encoded = this.#effects.encode(captured);
    return this.#store(
      { kind: 'add', namespace, key, value: encoded, ...lifetime, tags },
      captured,
    );
  }

  /** Stores a value if the live entry has this revision; 0 means that there is none. */
  setIf(
    key: string,
    value: unknown,
    revision: number,
    lifetime: Lifetime,
    tags: readonly string[] = NO_TAGS,
  ): Promise<ResultOf['setIf']> {
    assertKey(key);
    const captured = this.#effects.capture(value);
    const { namespace } = this.parts;
    const encoded = this.#effects.encode(captured);
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
      this.#effects.forget(key);
      if (value === undefined) return undefined;
      this.#effects.emitDeleted(key);
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
        this.#effects.forget(key);
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
        this.#effects.remember(key, result.value, result, 8);
        this.#effects.emitStored(key);
        return result.value;
      },
    );
  }

  /**
   * Makes a fresh entry stale from now on; resolves to whether there was one. With `keeps` the entry stays, and only what
   * began before is out of date.
   */
  expire(key: string, keeps = false): Promise<boolean> {
    assertKey(key);
    const { namespace } = this.parts;
    return this.#run<'expire', boolean>({ kind: 'expire', namespace, key, keeps }, 0, (result) => {
      this.#effects.forget(key);
      return result.expired;
    });
  }

  /** Resolves to how many fresh entries were removed. */
  async deletePrefix(prefix: string): Promise<number> {
    const { namespace } = this.parts;
    return this.#countDeleted(
      await this.#removeInSteps(
        (step) => ({ kind: 'deletePrefix', namespace, prefix, step }),
        this.#effects.emitDeleted,
      ),
    );
  }

  /** Resolves to how many fresh entries were removed. */
  async deleteTag(tag: string): Promise<number> {
    assertKey(tag, 'tag');
    const { namespace } = this.parts;
    return this.#countDeleted(
      await this.#removeInSteps(
        (step) => ({ kind: 'deleteTag', namespace, tag, step }),
        this.#effects.emitDeleted,
      ),
    );
  }

  /** Resolves to how many entries were fresh before. */
  expirePrefix(prefix: string): Promise<number> {
    const { namespace } = this.parts;
    return this.#removeInSteps((step) => ({ kind: 'expirePrefix', namespace, prefix, step }));
  }

  /** Resolves to how many entries were fresh before. */
  async expireTag(tag: string): Promise<number> {
    assertKey(tag, 'tag');
    const { namespace } = this.parts;
    return this.#removeInSteps((step) => ({ kind: 'expireTag', namespace, tag, step }));
  }

  /** Resolves to how many entries were removed, including expired ones that were not yet swept. */
  clear(): Promise<number> {
    const { namespace, l1, events } = this.parts;
    return this.#run<'clear', number>({ kind: 'clear', namespace }, 0, ({ deleted }) => {
      l1?.clear();
      events.emit('clear', { namespace, deleted });
      return deleted;
    });
  }

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
        this.#effects.remember(command.key, captured.value, lifetime, captured.bytes);
        this.#effects.emitStored(command.key);
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
              // An unreadable value must not break its batch.
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
    emit?: (key: string) => void,
  ): Promise<number> {
    let total = 0;
    let step: Removal['next'];
    do {
      const removal: Removal = await this.#run(command(step), 0, (result: Removal) => {
        for (const key of result.keys) {
          this.parts.l1?.delete(key);
          emit?.(key);
        }
        return result;
      });
      total += removal.deleted;
      step = removal.next;
    } while (step !== undefined);
    return total;
  }
}
