import { OutOfOrderError, type HyperCacheError } from '../common/errors.js';
import type { Storage } from '../storage/storage.js';
import type { Command, CommandResult, Origin } from './command.js';

/**
 * How far each source has come within one transaction.
 *
 * @internal
 */
export class SourceMarks {
  readonly #marks = new Map<string, number>();

  constructor(private readonly storage: Storage) {}

  /**
   * What is to be answered without executing the command: that it was executed before, or that one before it was
   * not. Otherwise it counts as executed, whatever comes of it.
   */
  answer(
    command: Command,
    { source, sequence, follows }: Origin,
  ): CommandResult | HyperCacheError | undefined {
    const last = this.#marks.get(source) ?? this.storage.sources.last(source);
    if (sequence <= last) return repeated(command, this.storage.head);
    if (follows !== undefined && follows !== last) return new OutOfOrderError(sequence, last);
    this.#marks.set(source, sequence);
    return undefined;
  }

  /** Inside the same transaction. */
  write(now: number): void {
    for (const [source, sequence] of this.#marks) this.storage.sources.mark(source, sequence, now);
  }
}

/** Nobody waits for more than the revision. */
function repeated({ kind }: Command, revision: number): CommandResult {
  return kind === 'delete' ? { deleted: false, revision } : { stored: true, revision };
}
