import { Backoff } from '../../common/backoff.js';
import { HyperCacheError, PrimaryUnreachableError } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import { Signal } from '../../common/signal.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { whenFree } from '../../sqlite/when-free.js';
import { answerFromWire, RequestKind, type CommandsAnswer } from '../wire/exchange.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { pack } from '../wire/wire.js';
import { commandsOf, type ForwardLine } from './forward-line.js';
import type { OrphanedOutboxes } from './orphaned-outboxes.js';
import { isPassing, isRefusal, type Forwarded, type Outbox } from './outbox.js';
import { settleWrite, UnappliedWrites, type FollowedChanges } from './unapplied-writes.js';

/** @internal */
export interface ForwardSenderParts {
  readonly client: PrimaryClient;
  readonly replica: FollowedChanges;
  readonly random: Random;
  /** Milliseconds that a write waits for its own change to arrive. */
  readonly timeoutMs: number;
  readonly outbox: Pick<Outbox, 'bounds'>;
  /** The writes that ended processes of this host have left; they are sent first. */
  readonly left: Pick<OrphanedOutboxes, 'mayPass' | 'answered'>;
  /** Receives failures that no caller learns about. */
  readonly onError: (error: HyperCacheError, during: string) => void;
}

const SENDER_BYTES = 16;

/** Pause, in ms, before checking again whether the writes that come first have been sent. */
const TURN_MS = 5;
const WAITS_BEHIND = 'another process of this host has not yet sent the writes that come first';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;

/** After this many failed requests in a row, callers no longer wait: an answer is unlikely. */
const BREAK_AFTER = 3;
const BREAK_MS = 250;

/**
 * Sends the line of a node's writes to the primary, one request at a time. It repeats accepted writes until the primary
 * has answered for them. Other writes fail when the primary cannot be reached.
 *
 * @internal
 */
export class ForwardSender {
  /** This many writes have succeeded or failed. */
  readonly settled = new Signal<[count: number]>();
  /** A request has ended. */
  readonly answered = new Signal();
  /** The outbox has room again. */
  readonly cleared = new Signal();
  /** The primary cannot be reached. */
  readonly failed = new Signal();
  /** A new timer runs: {@link holdProcess} must decide whether it keeps the process alive. */
  readonly waiting = new Signal();
  /** Identifies this sender, so that the primary can refuse a request that comes twice or too late. */
  readonly #sender: string;
  readonly #unapplied: UnappliedWrites;
  readonly #backoff: Backoff;
  #requests = 0;
  #isSending = false;
  #retry: NodeJS.Timeout | undefined;
  /** Bounds the wait for another process of the host that must send first. */
  #turnTimer: NodeJS.Timeout | undefined;
  #lost: HyperCacheError | undefined;
  /** Nothing more is sent. */
  #isOver = false;

  constructor(
    private readonly parts: ForwardSenderParts,
    private readonly line: ForwardLine,
  ) {
    this.#sender = parts.random.hex(SENDER_BYTES);
    this.#backoff = new Backoff(parts.random, FIRST_RETRY_MS, LAST_RETRY_MS);
    this.#unapplied = new UnappliedWrites({
      ...parts,
      ...parts.outbox.bounds,
      onSettled: this.settled.emit,
    });
  }

  /** Why the primary did not take the last request; undefined when it did. */
  get lost(): HyperCacheError | undefined {
    return this.#lost;
  }

  /** Why callers should not wait for an answer; undefined while waiting makes sense. */
  get broken(): HyperCacheError | undefined {
    const isBroken = this.#backoff.failures >= BREAK_AFTER && this.#retry !== undefined;
    return isBroken ? this.#lost : undefined;
  }

  /** Whether the changes of completed writes have been missing for so long that memory can hold no more of them. */
  get isFull(): boolean {
    return this.#unapplied.isFull;
  }

  /** The primary can be reached again: retries need not wait any longer. */
  wake(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#backoff.reset();
    this.send();
  }

  /** The primary has another history: changes of the old one can no longer arrive here. */
  forgetHistory(): void {
    this.#unapplied.forgetHistory();
  }

  /** Stops sending for good. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#turnTimer);
  }

  /** Keeps the process alive while a caller waits for a timer. Accepted writes can wait for the next process. */
  holdProcess(isAwaited: boolean): void {
    for (const timer of [this.#retry, this.#turnTimer]) {
      if (isAwaited) timer?.ref();
      else timer?.unref();
    }
  }

  readonly send = (): void => {
    if (this.#isOver || this.#isSending || this.#retry !== undefined) return;
    if (this.line.length === 0) return;
    const batch = this.line.take(() => this.parts.left.mayPass());
    if (batch === undefined) return this.#waitForTurn();
    clearTimeout(this.#turnTimer);
    this.#turnTimer = undefined;
    this.#isSending = true;
    this.#exchange(batch)
      .finally(() => {
        this.#isSending = false;
        this.answered.emit();
        this.send();
      })
      .catch((error: unknown) => {
        this.parts.onError(toStorageError(error), 'processing the answer of the primary');
      });
  };

  /** Waits while another process of the host sends the writes that come first. */
  #waitForTurn(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.send();
    }, TURN_MS);
    this.#turnTimer ??= setTimeout(() => {
      this.#turnTimer = undefined;
      const { url } = this.parts.client;
      this.#failed([], new PrimaryUnreachableError(url, WAITS_BEHIND));
    }, this.parts.timeoutMs);
    this.waiting.emit();
  }

  /** Ends when the primary has answered. Applying the answer may take longer, and delays no other request. */
  async #exchange(batch: readonly Forwarded[]): Promise<void> {
    const { client, replica } = this.parts;
    let answer: CommandsAnswer;
    try {
      const since = replica.isFed ? -1 : (replica.position?.revision ?? -1);
      const order = [this.#sender, ++this.#requests];
      const request = [RequestKind.Commands, since, commandsOf(batch), ...order];
      answer = answerFromWire(await client.exchange(pack(request)));
    } catch (error) {
      const failure = toStorageError(error);
      if (isRefusal(failure)) this.#refused(batch, failure);
      else this.#failed(batch, failure);
      return;
    }
    void this.#applyAhead(answer);
    this.#lost = undefined;
    const answered = firstUnanswered(batch, answer);
    if (answered === batch.length) this.#backoff.reset();
    else this.#keepRest(batch, answered, answer);
    const done = batch.slice(0, answered);
    if (done.length === 0) return;
    this.#clearOutbox(done, answer.outcomes);
    this.#unapplied.settle(done, answer).catch((error: unknown) => {
      // The node is closing, or its file is lost.
      this.parts.onError(toStorageError(error), 'waiting for what was written');
    });
  }

  /** The primary did nothing because one command is bad: each is sent by itself, so that only the bad one is refused. */
  #refused(batch: readonly Forwarded[], failure: HyperCacheError): void {
    const [only] = batch;
    if (batch.length > 1 || only === undefined) {
      this.line.putBackOneByOne(batch);
      return;
    }
    this.#clearOutbox(batch, [failure]);
    settleWrite(only, failure);
    this.settled.emit(1);
  }

  /** The primary answered nothing: accepted writes are sent again; all others fail, including those in the line. */
  #failed(batch: readonly Forwarded[], failure: HyperCacheError): void {
    if (this.#lost === undefined) this.parts.onError(failure, 'sending writes to the primary');
    this.#lost = failure;
    this.line.putBack(batch);
    const asking = this.line.removeAsking();
    for (const { write } of asking) write.failed(failure);
    this.settled.emit(asking.length);
    this.failed.emit();
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isOver) return;
    const pause = this.#backoff.next();
    const ms = this.line.length > 0 ? pause : BREAK_MS;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.send();
    }, ms);
    this.waiting.emit();
  }

  /** Puts accepted writes back into the line; the callers of the others receive their answers. */
  #keepRest(batch: readonly Forwarded[], first: number, { outcomes }: CommandsAnswer): void {
    const failure = outcomes[first];
    if (failure instanceof HyperCacheError) this.parts.onError(failure, 'sending writes');
    const rest = batch.slice(first);
    this.line.putBack(rest.filter(({ row }) => row !== undefined));
    for (const [i, item] of rest.entries()) {
      if (item.row !== undefined) continue;
      settleWrite(item, outcomes[first + i]);
      this.settled.emit(1);
    }
    this.#retryLater();
  }

  /**
   * While the feed is disconnected, the answer itself brings the changes. When they cannot be applied, the writes still
   * count as done, and their changes arrive with the feed.
   */
  async #applyAhead({ changes, position }: CommandsAnswer): Promise<void> {
    const { replica, timeoutMs, onError } = this.parts;
    if (changes === undefined) return;
    const apply = (): void => {
      const known = replica.position;
      if (this.#isOver || known === undefined) return;
      if (known.historyId !== position.historyId || known.epoch !== position.epoch) return;
      if (changes.from <= known.revision) replica.apply(changes);
    };
    try {
      await whenFree(apply, { timeoutMs });
    } catch (error) {
      onError(toStorageError(error), 'applying what was written');
    }
  }

  /** The primary has answered: refused commands become dead letters, and none of the batch is sent again. */
  #clearOutbox(batch: readonly Forwarded[], outcomes: CommandsAnswer['outcomes']): void {
    const { left, onError } = this.parts;
    const outbox = batch.find(({ row }) => row !== undefined)?.row?.outbox;
    if (outbox === undefined) return;
    const accepted = batch.filter(({ row }) => row !== undefined);
    try {
      for (const [i, item] of batch.entries()) {
        const outcome = outcomes[i];
        if (outcome instanceof HyperCacheError) outbox.moveToDeadLetters(item, outcome);
      }
      outbox.done(accepted);
    } catch (error) {
      // These writes are then sent again after the next start, and the primary recognizes that they are done.
      onError(toStorageError(error), 'clearing the outbox');
    }
    const leftCount = accepted.filter(({ row }) => row?.isLeft === true).length;
    if (leftCount > 0) left.answered(leftCount);
    this.cleared.emit();
  }
}

/** Index of the first accepted write that may still succeed later: the primary executes accepted writes in order only. */
function firstUnanswered(batch: readonly Forwarded[], { outcomes }: CommandsAnswer): number {
  const first = batch.findIndex(({ row }, i) => {
    const outcome = outcomes[i];
    return row !== undefined && outcome instanceof HyperCacheError && isPassing(outcome);
  });
  return first < 0 ? batch.length : first;
}
