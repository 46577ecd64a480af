import type { Clock } from '../common/clock.js';
import { FencedError, NotAnIntegerError, NumberRangeError } from '../common/errors.js';
import { isKept } from '../common/kept-namespace.js';
import type {
  AddCommand,
  CommandOf,
  FillCommand,
  SetCommand,
  SetIfCommand,
} from '../engine/command.js';
import type { ResultOf } from '../engine/command-result.js';
import { storedBytes } from '../value/codec.js';
import type { ClusterLink } from './cluster-link.js';
import { partsOf, plainEntry, readHead, readStored } from './entry-format.js';
import type { Fencing } from './fencing.js';
import {
  fromDigits,
  fromFreshDigits,
  NUMBER_STEP,
  numberAt,
  toDigits,
  toFreshDigits,
  type NumberFloor,
} from './numbers.js';
import { unexpectedReply } from './redis-error.js';
import type { Argument, Commands, Reply } from './redis-link.js';
import { EXPIRE, INCREMENT, TOUCH } from './scripts/change.js';
import { REMOVE } from './scripts/remove.js';
import { STORE } from './scripts/store.js';
import type { Space } from './space.js';

/** The time to live of an entry that never ends. It needs one, because the server may evict only keys that have one. */
const ENDLESS_MS = 10 * 366 * 24 * 3_600_000;

/** A larger entry may reach the server in two pieces, with a command of another client between them. */
const MAX_PLAIN_BYTES = 8 * 1024;

/** The approximate size of a plain `SET` in a packet, without its key and its entry. */
const PLAIN_BYTES = 100;

/** @internal */
export interface EntryExecutorParts {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly floor: NumberFloor;
  /** The slot of this node, from 1 to 127. It keeps revisions unique across nodes. */
  readonly slot: () => number;
  readonly fencing: Fencing;
  /** In a cluster, the same as `commands`. Each write then goes by a script. */
  readonly cluster: Pick<ClusterLink, 'runAfter'> | undefined;
}

type StoreMode = 'set' | 'add' | 'setIf' | 'fill' | 'again';

/**
 * Executes the commands on single entries. Each method sends its first command before it returns, so the server executes the
 * commands in the order of the calls.
 *
 * @internal
 */
export class EntryExecutor {
  #lastOwn = 0;
  /** Plain sets under way, by the server's key. A later command of this node that may concern a key removes it from here. */
  readonly #latest = new Map<string, number>();

  constructor(private readonly parts: EntryExecutorParts) {}

  /** Notes that this node deletes many entries one by one, or makes them stale. */
  overtake(): void {
    this.#latest.clear();
  }

  set(space: Space, command: SetCommand): Promise<ResultOf['set']> {
    if (this.parts.cluster === undefined) space.warm();
    const { generation } = space;
    const isPlain =
      this.parts.cluster === undefined &&
      generation !== undefined &&
      command.tags.length === 0 &&
      command.fence === undefined &&
      !isKept(space.namespace) &&
      storedBytes(command.value) <= MAX_PLAIN_BYTES;
    return isPlain
      ? this.#setPlain(space, command, generation)
      : this.#store(space, command, 'set');
  }

  add(space: Space, command: AddCommand): Promise<ResultOf['add']> {
    return this.#store(space, command, 'add');
  }

  setIf(space: Space, command: SetIfCommand): Promise<ResultOf['setIf']> {
    return this.#store(space, command, 'setIf', command.revision);
  }

  fill(space: Space, command: FillCommand): Promise<ResultOf['fill']> {
    return this.#store(space, command, 'fill', command.seen, command.claim);
  }

  async delete(space: Space, { key }: CommandOf<'delete'>): Promise<ResultOf['delete']> {
    const [wasFresh, number] = await this.#remove(space, key, false);
    return { deleted: wasFresh === 1, revision: this.#seen(number) };
  }

  async pull(space: Space, { key }: CommandOf<'pull'>): Promise<ResultOf['pull']> {
    const [, number, bytes] = await this.#remove(space, key, true);
    const head = Buffer.isBuffer(bytes) ? readHead(bytes) : undefined;
    const value = Buffer.isBuffer(bytes) && head ? readStored(bytes, head) : undefined;
    return { value, revision: this.#seen(number) };
  }

  async touch(space: Space, { key, expiresAt }: CommandOf<'touch'>): Promise<ResultOf['touch']> {
    const { keys } = space;
    const [done, revision] = await this.#run(
      TOUCH,
      [keys.entry(key), keys.counter, keys.generation],
      space,
      [toDigits(expiresAt), this.#lastDeadline(), isKept(space.namespace) ? '1' : '0'],
    );
    return { touched: done === 1, revision: this.#seen(revision) };
  }

  async expire(space: Space, { key, keeps }: CommandOf<'expire'>): Promise<ResultOf['expire']> {
    const { keys } = space;
    const [wasFresh, number] = await this.#run(
      EXPIRE,
      [keys.entry(key), keys.counter, keys.generation, keys.claim(key)],
      space,
      [keeps === true ? '1' : '0'],
    );
    return { expired: wasFresh === 1, revision: this.#seen(number) };
  }

  async increment(
    space: Space,
    { key, by, initial, expiresAt }: CommandOf<'increment'>,
  ): Promise<ResultOf['increment']> {
    const { keys } = space;
    const [value, end, fresh, revision] = await this.#run(
      INCREMENT,
      [keys.entry(key), keys.counter, keys.generation, keys.keptIndex],
      space,
      [String(by), String(initial), toDigits(expiresAt), this.#deadline(space, expiresAt)],
    );
    const text = String(value);
    if (text === 'integer') throw new NotAnIntegerError('The stored value');
    if (text === 'range') throw new NumberRangeError();
    return {
      value: Number(text),
      expiresAt: fromDigits(String(end)),
      freshUntil: fromFreshDigits(String(fresh)),
      revision: this.#seen(revision),
    };
  }

  /**
   * Stores an entry without a script, which would halve the speed. When a clear came first, the reply brings a new generation:
   * the entry was then never visible. It is stored again, unless the key now holds something newer.
   */
  async #setPlain(space: Space, command: SetCommand, generation: string): Promise<ResultOf['set']> {
    const { key, value, expiresAt, freshUntil = expiresAt } = command;
    const { commands } = this.parts;
    const { clears } = space;
    const revision = this.#ownRevision();
    const name = space.keys.entry(key);
    this.#latest.set(name, revision);
    const entry = plainEntry(value, { revision, generation, expiresAt, freshUntil });
    const deadline = this.#deadline(space, expiresAt);
    const read = space.generationAfter(key.length + entry.length + PLAIN_BYTES);
    let isLatest = false;
    let found: string;
    try {
      await commands.call(['SET', name, entry, 'PXAT', deadline]);
      found = await read;
    } finally {
      isLatest = this.#latest.get(name) === revision;
      if (isLatest) this.#latest.delete(name);
    }
    if (found === generation) return { stored: true, revision };
    space.drop();
    if (clears !== space.clears) return { stored: true, revision };
    // Replaces what other nodes have stored meanwhile, because they saw the key as missing. It does not replace what this node
    // sent later.
    if (isLatest) return this.#store(space, command, 'set');
    const again = await this.#store(space, command, 'again', revision);
    return { stored: true, revision: again.stored ? again.revision : revision };
  }

  async #store(
    space: Space,
    command: SetCommand | AddCommand | SetIfCommand | FillCommand,
    mode: StoreMode,
    expected = 0,
    claim = '',
  ): Promise<ResultOf['set']> {
    const { key, value, expiresAt, freshUntil = expiresAt, tags } = command;
    const { keys } = space;
    const { codec, value: body } = partsOf(value);
    const fence = command.kind === 'set' ? command.fence : undefined;
    const fencing = this.parts.fencing.of(space, fence);
    const [stored, revision] = await this.#run(
      STORE,
      [
        keys.entry(key),
        keys.counter,
        keys.generation,
        keys.claim(key),
        keys.fence,
        keys.tagIndex,
        keys.keptIndex,
        ...fencing.keys,
      ],
      space,
      [
        fencing.mode ?? mode,
        mode === 'again' ? toDigits(expected) : String(fence?.token ?? expected),
        claim || fencing.lock,
        codec,
        toDigits(expiresAt),
        toFreshDigits(freshUntil),
        this.#deadline(space, expiresAt),
        body,
        ...tags,
      ],
      fencing.after,
    );
    if (String(stored) === 'fenced' && fence !== undefined) {
      throw new FencedError(fence.name, fence.token);
    }
    return { stored: stored === 1, revision: this.#seen(revision) };
  }

  #remove(space: Space, key: string, takes: boolean): Promise<readonly Reply[]> {
    const { keys } = space;
    return this.#run(
      REMOVE,
      [keys.entry(key), keys.counter, keys.generation, keys.claim(key)],
      space,
      [takes ? '1' : '0'],
    );
  }

  async #run(
    script: Parameters<Commands['run']>[0],
    keys: readonly string[],
    space: Space,
    args: readonly Argument[],
    after?: Promise<void>,
  ): Promise<readonly Reply[]> {
    const { commands, cluster, floor } = this.parts;
    if (this.#latest.size > 0) this.#latest.delete(keys[0] ?? '');
    const all = [String(floor.value), space.keys.prefix, ...args];
    const reply = await (cluster === undefined
      ? commands.run(script, keys, all)
      : cluster.runAfter(after, script, keys, all));
    if (Array.isArray(reply)) return reply;
    throw unexpectedReply(script.name);
  }

  /** A revision that is unique for its key and grows on this node. */
  #ownRevision(): number {
    const now = numberAt(this.parts.clock.now()) + this.parts.slot();
    this.#lastOwn = Math.max(this.#lastOwn + NUMBER_STEP, now);
    return this.#lastOwn;
  }

  /** When the server itself removes an entry, in Unix ms. The result is '' for an entry that the server must keep. */
  #deadline(space: Space, expiresAt: number): string {
    if (isKept(space.namespace)) return '';
    return expiresAt === Infinity
      ? this.#lastDeadline()
      : String(Math.max(1, Math.ceil(expiresAt)));
  }

  #lastDeadline(): string {
    return String(Math.ceil(this.parts.clock.now() + ENDLESS_MS));
  }

  #seen(number: Reply | undefined): number {
    return this.parts.floor.see(Number(String(number)));
  }
}
