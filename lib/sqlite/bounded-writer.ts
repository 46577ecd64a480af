import type { Evictor } from './maintenance/evictor.js';
import type { Command, SetCommand } from '../engine/command.js';
import type { CommandResult } from '../engine/command-result.js';
import type { CommandExecutor, Outcome } from './commands/command-executor.js';
import { isKept } from '../common/kept-namespace.js';
import { storedBytes } from '../value/codec.js';
import { StorageFullError, StorageLostError } from '../common/errors.js';
import { isCorruption } from './sqlite-error.js';
import type { Writer } from './write-queue.js';

/** Up to this length, the number of a key's characters serves as its number of bytes. */
const SHORT_KEY = 100;
/** From this size on, the key overflows to a page of its own: a cell of the index holds at most a quarter of a page. */
const OVERFLOWING_KEY_BYTES = 220;
const OVERFLOW_BYTES = 1024;
/** Overhead of a tag in addition to its text. */
const TAG_ROW_BYTES = 20;

/**
 * Upper bounds of the space that a row takes, for each of its bytes and for the row itself: both b-trees, with pages
 * half full.
 */
const GROWTH_FACTOR = 2.5;
const ROW_BYTES = 300;
/** From this size on, a value has pages of its own, except for two that it may share. */
const OVERFLOWING_VALUE_BYTES = 4096;
const SHARED_BYTES = 2 * 4096;
/** From this size on, it matters that a file holds the old value and the new one for a moment. */
const LARGE_VALUE_BYTES = 64 * 1024;

/** The share of the file's bound that one value may take. The rest is for what the file always contains. */
const LARGEST_SHARE = 0.85;

/** The largest value, in bytes, that a file with this bound can hold. @internal */
export function largestValueIn(maxBytes: number): number {
  return Math.floor(maxBytes * LARGEST_SHARE);
}

/** @internal */
export interface BoundedWriterParts {
  readonly executor: CommandExecutor;
  readonly evictor: Evictor;
  readonly storage: { mustPause(): boolean };
  /** Throws when this node no longer writes. */
  readonly serving: { assert(): void };
  readonly onCorruption: () => void;
}

/**
 * The writer of a primary. It makes room before each batch. When a batch fails because the file is damaged, it replaces
 * the file.
 *
 * @internal
 */
export class BoundedWriter implements Writer<Command, CommandResult> {
  constructor(private readonly parts: BoundedWriterParts) {}

  mustPause(): boolean {
    return this.parts.storage.mustPause();
  }

  write(commands: readonly Command[]): readonly Outcome[] {
    const { serving, evictor, executor, onCorruption } = this.parts;
    serving.assert();
    try {
      let growth = 0;
      let rows = 0;
      for (const command of commands) {
        growth += growthOf(command);
        if (mayAddEntry(command)) rows++;
      }
      const fits = evictor.makeRoom(rows, growth, commands.filter(replacesLarge));
      return fits ? executor.write(commands) : this.#writeWithoutKept(commands);
    } catch (error) {
      if (!isCorruption(error)) throw error;
      onCorruption();
      throw new StorageLostError(
        'The database file was damaged; a new one was begun, and the write was not stored.',
        'Write again. The damaged file was kept next to the new one, as .corrupt-<time>.',
        { cause: error },
      );
    }
  }

  /** There is no room: refuse only the writes that would stay for good. */
  #writeWithoutKept(commands: readonly Command[]): readonly Outcome[] {
    const others = commands.filter((command) => !wouldBeKept(command));
    if (others.length === commands.length) return this.parts.executor.write(commands);
    const written = others.length === 0 ? [] : this.parts.executor.write(others);
    const outcomes: Outcome[] = [];
    let next = 0;
    for (const command of commands) {
      if (wouldBeKept(command)) outcomes.push(new StorageFullError(undefined, NO_ROOM));
      else {
        const outcome = written[next++];
        // This turn had no time for the remaining commands.
        if (outcome === undefined) break;
        outcomes.push(outcome);
      }
    }
    return outcomes;
  }
}

const NO_ROOM = {
  message:
    'Entries that must not be evicted have filled the file up to its bound; the write was not stored.',
  hint: 'Raise maxSize or maxEntries, or give entries of namespaces with evict: false a shorter ttl.',
};

function wouldBeKept(command: Command): boolean {
  if (!('namespace' in command) || !isKept(command.namespace)) return false;
  // The write replaces an entry that was admitted earlier.
  if (command.kind === 'setIf' && command.revision > 0) return false;
  return mayAddEntry(command);
}

function mayAddEntry(command: Command): boolean {
  return 'value' in command || command.kind === 'increment';
}

function growthOf(command: Command): number {
  if (command.kind === 'throttle') {
    // One more hit takes 8 bytes, in a row that may be new.
    return ROW_BYTES + GROWTH_FACTOR * 2 * keyBytes(command.throttle.key);
  }
  if (!('value' in command)) {
    return ROW_BYTES + GROWTH_FACTOR * ('key' in command ? command.key.length : 0);
  }
  const { key, value, tags } = command;
  let bytes = 2 * keyBytes(key);
  // Each tag is stored in two b-trees.
  for (const tag of tags) bytes += 2 * (keyBytes(tag) + TAG_ROW_BYTES);
  const valueBytes = storedBytes(value);
  if (valueBytes < OVERFLOWING_VALUE_BYTES) return ROW_BYTES + GROWTH_FACTOR * (bytes + valueBytes);
  return ROW_BYTES + GROWTH_FACTOR * bytes + valueBytes + SHARED_BYTES;
}

function replacesLarge(command: Command): command is SetCommand {
  if (command.kind !== 'set' || command.fence !== undefined) return false;
  return storedBytes(command.value) >= LARGE_VALUE_BYTES;
}

function keyBytes(key: string): number {
  if (key.length <= SHORT_KEY) return key.length;
  const bytes = Buffer.byteLength(key);
  return bytes < OVERFLOWING_KEY_BYTES ? bytes : bytes + OVERFLOW_BYTES;
}
