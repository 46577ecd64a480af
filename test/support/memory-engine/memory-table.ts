import { FencedError, NotAnIntegerError, NumberRangeError } from '../../../lib/common/errors.js';
import { isExpired, staleNow } from '../../../lib/common/expiry.js';
import type { Command, IncrementCommand, SetCommand } from '../../../lib/engine/command.js';
import type { CommandResult, Removal } from '../../../lib/engine/command-result.js';
import type { Seen } from '../../../lib/engine/l2.js';
import type { StoredValue } from '../../../lib/value/codec.js';

export interface MemoryRow {
  readonly value: StoredValue;
  readonly expiresAt: number;
  readonly freshUntil: number;
  readonly revision: number;
  readonly tags: readonly string[];
}

type KeyedRow = Omit<MemoryRow, 'revision' | 'freshUntil'> & {
  readonly key: string;
  readonly freshUntil?: number | undefined;
};

/** A moment of this engine: the last revision of the table by then. */
export interface MemorySeen extends Seen {
  readonly revision: number;
  readonly entryRevision: number;
}

/** One namespace: its rows, and when what last happened, by key, tag and prefix. */
export class MemoryTable {
  readonly rows = new Map<string, MemoryRow>();
  readonly #happened = new Map<string, number>();
  readonly #prefixes: [prefix: string, revision: number][] = [];
  revision = 0;

  live(key: string, now: number): MemoryRow | undefined {
    const row = this.rows.get(key);
    return row === undefined || isExpired(row.expiresAt, now) ? undefined : row;
  }

  fresh(key: string, now: number): MemoryRow | undefined {
    const row = this.live(key, now);
    return row === undefined || isExpired(row.freshUntil, now) ? undefined : row;
  }

  hasChangedSince(seen: number, key: string, tags: readonly string[]): boolean {
    const names = [`key ${key}`, ...tags.map((tag) => `tag ${tag}`)];
    return (
      names.some((name) => (this.#happened.get(name) ?? 0) > seen) ||
      this.#prefixes.some(([prefix, at]) => at > seen && key.startsWith(prefix))
    );
  }

  /** Executes what concerns entries; throws what it refuses, before anything is changed. */
  execute(command: Command, now: number, lastToken: (lock: string) => number): CommandResult {
    const found = 'key' in command ? this.fresh(command.key, now) : undefined;
    switch (command.kind) {
      case 'set':
        return this.#set(command, lastToken);
      case 'fill':
        return this.#putIf(
          !this.hasChangedSince(command.seen, command.key, command.tags),
          command,
          found,
        );
      case 'add':
        return this.#putIf(found === undefined, command, found);
      case 'setIf':
        return this.#putIf((found?.revision ?? 0) === command.revision, command, found);
      case 'delete':
        return { deleted: this.#remove(command.key, now), revision: this.revision };
      case 'pull':
        this.#remove(command.key, now);
        return { value: found?.value, revision: this.revision };
      case 'touch': {
        const { key, expiresAt: freshUntil } = command;
        if (found !== undefined) {
          const window =
            found.freshUntil === found.expiresAt ? 0 : found.expiresAt - found.freshUntil;
          this.#put({ ...found, key, freshUntil, expiresAt: freshUntil + window });
        }
        return { touched: found !== undefined, revision: this.revision };
      }
      case 'expire':
        if (command.keeps === true) this.#note(command.key, true);
        else this.#expire(command.key, now);
        return { expired: found !== undefined, revision: this.revision };
      case 'increment':
        return this.#increment(command, now);
      case 'deletePrefix':
        this.#prefixes.push([command.prefix, ++this.revision]);
        return this.#removeAll((key) => key.startsWith(command.prefix), now);
      case 'expirePrefix':
        this.#prefixes.push([command.prefix, ++this.revision]);
        return this.#expireAll((key) => key.startsWith(command.prefix), now);
      case 'deleteTag':
        this.#happened.set(`tag ${command.tag}`, ++this.revision);
        return this.#removeAll((_key, { tags }) => tags.includes(command.tag), now);
      case 'expireTag':
        this.#happened.set(`tag ${command.tag}`, ++this.revision);
        return this.#expireAll((_key, { tags }) => tags.includes(command.tag), now);
      case 'clear': {
        const deleted = this.rows.size;
        this.rows.clear();
        this.#prefixes.push(['', ++this.revision]);
        return { deleted, revision: this.revision };
      }
      default:
        throw new Error(`${command.kind} is none of a table.`);
    }
  }

  #set(command: SetCommand, lastToken: (lock: string) => number): CommandResult {
    const { fence } = command;
    if (fence !== undefined && lastToken(fence.name) > fence.token) {
      throw new FencedError(fence.name, fence.token);
    }
    return this.#put(command);
  }

  #put({ key, value, expiresAt, freshUntil = expiresAt, tags }: KeyedRow) {
    const revision = this.#note(key);
    this.rows.set(key, { value, expiresAt, freshUntil, tags, revision });
    return { stored: true, revision };
  }

  #putIf(may: boolean, command: KeyedRow, found: MemoryRow | undefined): CommandResult {
    return may ? this.#put(command) : { stored: false, revision: found?.revision ?? 0 };
  }

  #increment({ key, by, initial, expiresAt }: IncrementCommand, now: number): CommandResult {
    const row = this.fresh(key, now);
    const before = row === undefined ? initial : row.value;
    if (!Number.isSafeInteger(before)) throw new NotAnIntegerError('The stored value');
    const value = Number(before) + by;
    if (!Number.isSafeInteger(value)) throw new NumberRangeError();
    const ends = row ?? { tags: [], expiresAt, freshUntil: expiresAt };
    const { revision } = this.#put({ ...ends, key, value });
    return { value, expiresAt: ends.expiresAt, freshUntil: ends.freshUntil, revision };
  }

  /** A key that is missing counts too: a fill that began before gives way to its deletion. */
  #remove(key: string, now: number): boolean {
    const wasFresh = this.fresh(key, now) !== undefined;
    this.rows.delete(key);
    this.#note(key);
    return wasFresh;
  }

  /** Stale from now on, or gone without a window. */
  #expire(key: string, now: number): boolean {
    const row = this.live(key, now);
    const wasFresh = this.fresh(key, now) !== undefined;
    if (row === undefined || row.freshUntil === row.expiresAt) this.#remove(key, now);
    else this.#put({ ...row, key, freshUntil: staleNow(row.freshUntil, now) });
    return wasFresh;
  }

  #removeAll(isMeant: (key: string, row: MemoryRow) => boolean, now: number): Removal {
    return this.#each(isMeant, (key) => this.#remove(key, now));
  }

  #expireAll(isMeant: (key: string, row: MemoryRow) => boolean, now: number): Removal {
    return this.#each(isMeant, (key) => this.#expire(key, now));
  }

  #each(
    isMeant: (key: string, row: MemoryRow) => boolean,
    wasFresh: (key: string) => boolean,
  ): Removal {
    const keys = Array.from(this.rows).flatMap(([key, row]) => (isMeant(key, row) ? [key] : []));
    const deleted = keys.filter(wasFresh).length;
    return { keys, deleted, revision: this.revision, next: undefined };
  }

  /** Whatever has begun before is overdue; so is a row, when it is to have the revision. */
  #note(key: string, isOfRow = false): number {
    this.#happened.set(`key ${key}`, ++this.revision);
    const row = isOfRow ? this.rows.get(key) : undefined;
    if (row !== undefined) this.rows.set(key, { ...row, revision: this.revision });
    return this.revision;
  }
}
