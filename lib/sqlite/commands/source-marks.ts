import { OutOfOrderError, type HyperCacheError } from '../../common/errors.js';
import { MAX_RUN, type SourceRun } from '../source-table.js';
import type { Storage } from '../storage.js';
import type { Command, Origin } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';

/**
 * Tracks the last executed sequence of each source within one transaction.
 *
 * @internal
 */
export class SourceMarks {
  readonly #marks = new Map<string, number>();
  /** The last run of each source; `#runs` contains the earlier ones. */
  readonly #last = new Map<string, SourceRun>();
  readonly #runs: SourceRun[] = [];

  constructor(private readonly storage: Storage) {}

  /**
   * Returns an answer that needs no execution: the command was executed before, or an earlier one was not. Otherwise
   * the command counts as executed, whatever its outcome.
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

  /** The command was executed: its change has the current head as its revision. */
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

  /** Called inside the same transaction. */
  write(now: number): void {
    this.storage.sources.record([...this.#runs, ...this.#last.values()], now);
  }
}

/** No caller needs more than the revision. */
function repeated({ kind }: Command, revision: number): CommandResult {
  return kind === 'delete' ? { deleted: false, revision } : { stored: true, revision };
}
