import type { Evictor } from '../cache/evictor.js';
import type { Command, CommandResult } from '../commands/command.js';
import type { CommandExecutor, Outcome } from '../commands/command-executor.js';
import { storedBytes } from '../common/codec.js';
import { StorageLostError } from '../common/errors.js';
import { isCorruption } from '../storage/sqlite-error.js';
import type { Writer } from '../storage/write-queue.js';

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
  ) {}

  write(commands: readonly Command[]): readonly Outcome[] {
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
  const { key, value } = command;
  return 2 * key.length + storedBytes(value);
}
