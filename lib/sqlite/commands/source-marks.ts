import { OutOfOrderError, type HyperCacheError } from '../../common/errors.js';
import { MAX_RUN, type SourceRun } from '../source-table.js';
import type { Storage } from '../storage.js';
import type { Command, CommandResult, Origin } from '../../engine/command.js';

/**
 * How far each source has come within one transaction.
 *
 * @internal
 */
export class SourceMarks {
  readonly #marks = new Map<string, number>();
  /** The last run of each source, and those before. */
  readonly #last = new Map<string, SourceRun>();
  readonly #runs: SourceRun[] = [];

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

  /** The command was executed: what it has changed stands under the head as it is now. */
  executed({ source, sequence }: Origin): void {
    const revision = this.storage.head;
    const last = this.#last.get(source);
    const isNext =
      last !== undefined &&
      last.count < MAX_RUN &&
      last.revision + last.count === revision &&
      last.sequence + last.count === sequence;
    if (isNext) {
      this.#last.set(source, { ...last, count: last.count + 1 });
      return;
    }
    if (last !== undefined) this.#runs.push(last);
    this.#last.set(source, { revision, source, sequence, count: 1 });
  }

  /** Inside the same transaction. */
  write(now: number): void {
    this.storage.sources.record([...this.#runs, ...this.#last.values()], now);
  }
}

/** Nobody waits for more than the revision. */
function repeated({ kind }: Command, revision: number): CommandResult {
  return kind === 'delete' ? { deleted: false, revision } : { stored: true, revision };
}
