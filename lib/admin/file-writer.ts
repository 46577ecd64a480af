import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '../common/clock.js';
import { systemRandom } from '../common/random.js';
import type { Command, SetCommand } from '../engine/command.js';
import type { Removal, ResultOf } from '../engine/command-result.js';
import { CommandExecutor, isFailure } from '../sqlite/commands/command-executor.js';
import { set } from '../sqlite/commands/store-commands.js';
import { setFileMode } from '../sqlite/file-mode.js';
import { toStorageError } from '../sqlite/sqlite-error.js';
import { Storage } from '../sqlite/storage.js';
import { whenFree } from '../sqlite/when-free.js';

/** How long the application may keep the file locked, in ms. */
const PATIENCE = { timeoutMs: 5000 };
const MODE_BITS = 0o777;

/**
 * Writes to the file of a primary as one more process. It does no maintenance of the file, which the application does by its
 * own options.
 *
 * @internal
 */
export class FileWriter {
  readonly #storage: Storage;
  readonly #executor: CommandExecutor;

  constructor(path: string) {
    this.#storage = new Storage({
      path,
      fullSync: true,
      clock: systemClock,
      random: systemRandom,
    });
    this.#executor = new CommandExecutor(this.#storage, systemClock);
  }

  /** @throws {HC_STORAGE_OPEN | HC_STORAGE_BUSY} */
  open(): void {
    const { path } = this.#storage;
    // The files that it creates next to this one get the same mode.
    setFileMode(dirname(path), statSync(path).mode & MODE_BITS);
    this.#storage.open();
  }

  close(): void {
    this.#storage.close();
  }

  /** Runs the command in one transaction. @throws {HC_STORAGE_FULL | HC_STORAGE_BUSY} and the error that refuses the command */
  async run<C extends Command>(command: C): Promise<ResultOf[C['kind']]> {
    const [outcome] = await this.#whenFree(() => this.#executor.write([command]));
    if (outcome === undefined || isFailure(outcome)) throw outcome ?? toStorageError(undefined);
    // The executor answers a command with the result of its kind.
    return outcome as ResultOf[C['kind']];
  }

  /** Stores all of them in one transaction. */
  async store(commands: readonly SetCommand[]): Promise<void> {
    await this.#whenFree(() =>
      this.#storage.transaction(() => {
        for (const command of commands) set(this.#storage, command);
      }),
    );
  }

  /** Removes step by step, so that the application can write in between. */
  async remove(
    command: Extract<
      Command,
      { kind: 'deletePrefix' | 'deleteTag' | 'expirePrefix' | 'expireTag' }
    >,
  ): Promise<number> {
    let deleted = 0;
    let { step } = command;
    do {
      const removal: Removal = await this.run({ ...command, step });
      deleted += removal.deleted;
      step = removal.next;
    } while (step !== undefined);
    return deleted;
  }

  async #whenFree<T>(write: () => T): Promise<T> {
    const results: T[] = [];
    try {
      await whenFree(() => void results.push(write()), PATIENCE);
    } catch (error) {
      throw toStorageError(error);
    }
    return results[0] as T;
  }
}
