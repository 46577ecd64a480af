import { MAX_TIMER_MS } from '../../common/limits.js';
import { holdProcess } from '../../common/hold-process.js';
import type { CommandResult } from '../../engine/command.js';
import { HyperCacheError, ReplicaBehindError } from '../../common/errors.js';
import type { ChangeBatch } from '../wire/change-batch.js';
import type { CommandsAnswer } from '../wire/exchange.js';
import { malformed } from '../wire/fields.js';
import type { Forwarded } from './outbox.js';
import type { Position } from '../wire/position.js';

/** What a node has applied, as far as its writes have to know. @internal */
export interface AppliedChanges {
  /** Where it stands; undefined while it holds nothing, and its reads go where its writes go. */
  readonly position: Position | undefined;
  /** Somebody has been told what the primary held there: reads from here must not show less. */
  mustReach(position: Position): void;
  /** Resolves to whether everything up to a position is here within a time, in ms. */
  whenReached(position: Position, timeoutMs: number): Promise<boolean>;
}

/** How a node gets to see what the primary has committed. @internal */
export interface FollowedChanges extends AppliedChanges {
  /** Whether the changes come by themselves. */
  readonly isFed: boolean;
  apply(batch: ChangeBatch): void;
}

/** @internal */
export interface UnappliedWritesParts {
  readonly replica: AppliedChanges;
  /** Milliseconds that a write waits for its own change to arrive. */
  readonly timeoutMs: number;
  /** Bounds of what waits here. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** So many have ended, for whoever waits for all of them. */
  readonly onSettled: (count: number) => void;
}

type Outcome = CommandsAnswer['outcomes'][number];

/**
 * Writes that the primary has done, and whose changes have not arrived here: those that reads of this node find where
 * they wait stay there until then, even if that takes longer than their callers wait.
 *
 * @internal
 */
export class UnappliedWrites {
  #entries = 0;
  #bytes = 0;
  /** How to give up on what cannot arrive any more. */
  readonly #applying = new Set<() => void>();

  constructor(private readonly parts: UnappliedWritesParts) {}

  /** Whether the changes stay away for so long that no more of them can be kept in memory. */
  get isFull(): boolean {
    return this.#entries >= this.parts.maxEntries || this.#bytes >= this.parts.maxBytes;
  }

  /** What was done in another history cannot arrive here any more. */
  forgetHistory(): void {
    for (const giveUp of Array.from(this.#applying)) giveUp();
  }

  /** Tells each write of a batch what has come of it, when this node has applied it. */
  async settle(batch: readonly Forwarded[], answer: CommandsAnswer): Promise<void> {
    const { timeoutMs, onSettled } = this.parts;
    const wanted = { ...answer.position, revision: lastRevisionOf(answer, batch.length) };
    const late: [Forwarded, Outcome][] = [];
    const isFull = this.isFull;
    const bytes = batch.reduce((sum, item) => sum + item.bytes, 0);
    this.#count(batch.length, bytes);
    try {
      const reached = this.#isReached(wanted, timeoutMs);
      const isAwaited = batch.some(({ row }) => row === undefined);
      const isReached = await (isAwaited ? holdProcess(reached) : reached);
      for (const [i, item] of batch.entries()) {
        const outcome = answer.outcomes[i];
        const isDone = outcome !== undefined && !(outcome instanceof HyperCacheError);
        if (isReached || !isDone) settleWrite(item, outcome);
        else if (item.row !== undefined) late.push([item, outcome]);
        else if (item.write.answered === undefined || isFull) {
          item.write.failed(new ReplicaBehindError(timeoutMs));
        } else {
          item.write.answered(outcome);
          late.push([item, outcome]);
        }
      }
      onSettled(batch.length);
      if (late.length === 0) return;
      // Nobody waits for these; until they are here, reads find them among the pending writes.
      await this.#whenReached(wanted, MAX_TIMER_MS);
      for (const [item, outcome] of late) settleWrite(item, outcome);
    } finally {
      this.#count(-batch.length, -bytes);
    }
  }

  async #isReached(wanted: Position, timeoutMs: number): Promise<boolean> {
    const { replica } = this.parts;
    if (wanted.revision === 0) return true;
    if (replica.position !== undefined) return this.#whenReached(wanted, timeoutMs);
    // There is nothing to read here that could be older, and must not be when there is.
    replica.mustReach(wanted);
    return true;
  }

  #whenReached(position: Position, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve(true);
      const wait = async (): Promise<void> => {
        try {
          resolve(await this.parts.replica.whenReached(position, timeoutMs));
        } catch (error) {
          reject(error);
        } finally {
          this.#applying.delete(giveUp);
        }
      };
      this.#applying.add(giveUp);
      void wait();
    });
  }

  #count(entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
  }
}

/** The primary has answered for it, and nothing more is waited for. @internal */
export function settleWrite({ write }: Forwarded, outcome: Outcome | undefined): void {
  if (outcome === undefined) write.failed(malformed('an answer is missing'));
  else if (outcome instanceof HyperCacheError) write.failed(outcome);
  else write.committed(outcome);
}

/** What the node has to have applied before it may say that the first ones are done. */
function lastRevisionOf({ position, outcomes }: CommandsAnswer, count: number): number {
  let last = 0;
  for (const outcome of outcomes.slice(0, count)) {
    if (isResult(outcome) && 'revision' in outcome) last = Math.max(last, outcome.revision);
    // Who holds a lease sees what was written under it before.
    else if (isResult(outcome) && 'handOvers' in outcome) last = position.revision;
  }
  return last;
}

function isResult(outcome: Outcome): outcome is CommandResult {
  return !(outcome instanceof HyperCacheError);
}
