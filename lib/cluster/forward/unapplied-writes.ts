import { MAX_TIMER_MS } from '../../common/limits.js';
import { holdProcess } from '../../common/hold-process.js';
import type { CommandResult } from '../../engine/command-result.js';
import { HyperCacheError, ReplicaBehindError } from '../../common/errors.js';
import type { ChangeBatch } from '../wire/change-batch.js';
import type { CommandsAnswer } from '../wire/exchange.js';
import { malformed } from '../wire/fields.js';
import type { Forwarded } from './outbox.js';
import type { Position } from '../wire/position.js';

/** What the writes of a node must know about the changes that it has applied. @internal */
export interface AppliedChanges {
  /** The position of this node; undefined while it holds nothing, and its reads go to the primary as its writes do. */
  readonly position: Position | undefined;
  /** A caller has learned what the primary held at this position: reads from here must not show less. */
  mustReach(position: Position): void;
  /** Resolves to whether everything up to a position has arrived within the timeout, in ms. */
  whenReached(position: Position, timeoutMs: number): Promise<boolean>;
}

/** How a node receives what the primary has committed. @internal */
export interface FollowedChanges extends AppliedChanges {
  /** Whether the changes arrive by themselves. */
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
  /** This many writes are settled; callers may be waiting for all of them. */
  readonly onSettled: (count: number) => void;
}

type Outcome = CommandsAnswer['outcomes'][number];

/**
 * Writes that the primary has executed and whose changes have not arrived here. Reads of this node find some of them
 * among the pending writes. Those stay until their changes arrive, even if that takes longer than their callers wait.
 *
 * @internal
 */
export class UnappliedWrites {
  #entries = 0;
  #bytes = 0;
  /** Each function gives up on a change that can no longer arrive. */
  readonly #applying = new Set<() => void>();

  constructor(private readonly parts: UnappliedWritesParts) {}

  /** Whether the changes have been missing for so long that memory can hold no more writes. */
  get isFull(): boolean {
    return this.#entries >= this.parts.maxEntries || this.#bytes >= this.parts.maxBytes;
  }

  /** Changes of another history can no longer arrive here. */
  forgetHistory(): void {
    for (const giveUp of Array.from(this.#applying)) giveUp();
  }

  /** Settles each write of a batch with its outcome once this node has applied it. */
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
      // No caller waits for these writes. Until their changes arrive, reads find them among the pending writes.
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
    // This node holds nothing yet, so no read here can be stale. Once it holds something, that must include these
    // writes.
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

/** The primary has answered for this write, and nothing delays its outcome any more. @internal */
export function settleWrite({ write }: Forwarded, outcome: Outcome | undefined): void {
  if (outcome === undefined) write.failed(malformed('an answer is missing'));
  else if (outcome instanceof HyperCacheError) write.failed(outcome);
  else write.committed(outcome);
}

/** The revision that the node must have applied before it may settle the first `count` writes. */
function lastRevisionOf({ position, outcomes }: CommandsAnswer, count: number): number {
  let last = 0;
  for (const outcome of outcomes.slice(0, count)) {
    if (isResult(outcome) && 'revision' in outcome) last = Math.max(last, outcome.revision);
    // The holder of a lease must see what was written under it before.
    else if (isResult(outcome) && 'handOvers' in outcome) last = position.revision;
  }
  return last;
}

function isResult(outcome: Outcome): outcome is CommandResult {
  return !(outcome instanceof HyperCacheError);
}
