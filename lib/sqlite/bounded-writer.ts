import type { Evictor } from './maintenance/evictor.js';
import type { Command, CommandResult } from '../engine/command.js';
import type { CommandExecutor, Outcome } from './commands/command-executor.js';
import { storedBytes } from '../value/codec.js';
import { StorageLostError, type HyperCacheError } from '../common/errors.js';
import { isCorruption } from './sqlite-error.js';
import type { Writer } from './write-queue.js';

/** Up to here a key's length is taken for its bytes. */
const SHORT_KEY = 100;
/** From here on the key takes a page of its own in the index: a quarter of a page is the most that it holds. */
const OVERFLOWING_KEY_BYTES = 220;
const OVERFLOW_BYTES = 1024;
/** Of a tag besides its text. */
const TAG_ROW_BYTES = 20;

/**
 * The writer of a primary: room is made before a batch, and a file that turns out to be damaged is replaced
 * after it failed.
 *
 * @internal
 */
export class BoundedWriter implements Writer<Command, CommandResult> {
  constructor(
    private readonly executor: CommandExecutor,
    private readonly evictor: Evictor,
    private readonly onCorruption: () => void,
    /** Why this node writes nothing any more. */
    private readonly refusal: () => HyperCacheError | undefined,
    private readonly storage: { mustPause(): boolean },
  ) {}

  mustPause(): boolean {
    return this.storage.mustPause();
  }

  write(commands: readonly Command[]): readonly Outcome[] {
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
    try {
      let bytes = 0;
      for (const command of commands) bytes += bytesOf(command);
      this.evictor.makeRoom(commands.length, bytes);
      return this.executor.write(commands);
    } catch (error) {
      if (!isCorruption(error)) throw error;
      this.onCorruption();
      throw new StorageLostError(
        'The database file was damaged; a new one was begun, and the write was not stored.',
        'Write again. The damaged file was kept beside the new one, as .corrupt-<time>.',
        { cause: error },
      );
    }
  }
}

function bytesOf(command: Command): number {
  if (!('value' in command)) return 'key' in command ? command.key.length : 0;
  const { key, value, tags } = command;
  let bytes = 2 * keyBytes(key) + storedBytes(value);
  // Each tag stands in two b-trees.
  for (const tag of tags) bytes += 2 * (keyBytes(tag) + TAG_ROW_BYTES);
  return bytes;
}

function keyBytes(key: string): number {
  if (key.length <= SHORT_KEY) return key.length;
  const bytes = Buffer.byteLength(key);
  return bytes < OVERFLOWING_KEY_BYTES ? bytes : bytes + OVERFLOW_BYTES;
}
