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
  /** What processes of the host have left that have ended: it goes first. */
  readonly left: Pick<OrphanedOutboxes, 'mayPass' | 'answered'>;
  /** What went wrong that no caller is told about. */
  readonly onError: (error: HyperCacheError, during: string) => void;
}

const SENDER_BYTES = 16;

/** Until it is looked again whether what goes first has been sent. */
const TURN_MS = 5;
const WAITS_BEHIND = 'another process of this host has not sent yet what was accepted before';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;

/** After so many requests in a row that failed, nobody is to wait for what will hardly come. */
const BREAK_AFTER = 3;
const BREAK_MS = 250;

/**
 * Sends the line of a node's writes to the primary, one request at a time, and again until the primary has answered for
 * what was accepted. The rest fails when the primary cannot be reached.
 *
 * @internal
 */
export class ForwardSender {
  /** So many writes are done, or have failed. */
  readonly settled = new Signal<[count: number]>();
  /** A request is over. */
  readonly answered = new Signal();
  /** There is room in the outbox. */
  readonly cleared = new Signal();
  /** The primary cannot be reached. */
  readonly failed = new Signal();
  /** A timer runs that {@link holdProcess} is to be asked about. */
  readonly waiting = new Signal();
  /** By which the primary tells a request that comes twice, or too late. */
  readonly #sender: string;
  readonly #unapplied: UnappliedWrites;
  readonly #backoff: Backoff;
  #requests = 0;
  #isSending = false;
  #retry: NodeJS.Timeout | undefined;
  /** Ends the waiting for what another process of the host has to send first. */
  #turnTimer: NodeJS.Timeout | undefined;
  #lost: HyperCacheError | undefined;
  /** Nothing is sent any more. */
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

  /** Why nobody is to wait for an answer; undefined while that makes sense. */
  get broken(): HyperCacheError | undefined {
    const isBroken = this.#backoff.failures >= BREAK_AFTER && this.#retry !== undefined;
    return isBroken ? this.#lost : undefined;
  }

  /** Whether the changes of what was done stay away for so long that no more of it can be kept in memory. */
  get isFull(): boolean {
    return this.#unapplied.isFull;
  }

  /** The primary can be reached again: what waits for a retry need not wait any longer. */
  wake(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#backoff.reset();
    this.send();
  }

  /** The primary has another history: what was done in the old one cannot arrive here any more. */
  forgetHistory(): void {
    this.#unapplied.forgetHistory();
  }

  /** Sends nothing any more. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#turnTimer);
  }

  /** The process goes on while a caller waits for what comes at these times; what was accepted is sent by the next one, too. */
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
        this.parts.onError(toStorageError(error), 'taking the answer of the primary');
      });
  };

  /** Another process of the host sends what goes first. */
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

  /** Ends when the primary has answered; what it takes until the answer is applied holds up no other request. */
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
      // The node closes meanwhile, or its file is lost.
      this.parts.onError(toStorageError(error), 'waiting for what was written');
    });
  }

  /** The primary did nothing, because of one of them: each is sent alone, so that only that one is refused. */
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

  /** Nothing of the batch was answered: what was accepted is sent again, the rest fails, and what waits behind it. */
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

  /** Puts back what was accepted; those who wait for an answer have theirs. */
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
   * While the feed is not there the answer itself brings the changes. If they cannot be applied, the writes are done all
   * the same, and wait for the feed.
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

  /** The primary has answered: what it has refused is buried, and nothing of it is sent again. */
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
      // Then it is sent again after the next start, and the primary knows that it is done.
      onError(toStorageError(error), 'clearing the outbox');
    }
    const leftCount = accepted.filter(({ row }) => row?.isLeft === true).length;
    if (leftCount > 0) left.answered(leftCount);
    this.cleared.emit();
  }
}

/** Where what was accepted begins to have failed in a way that passes; the primary takes it in order only. */
function firstUnanswered(batch: readonly Forwarded[], { outcomes }: CommandsAnswer): number {
  const first = batch.findIndex(({ row }, i) => {
    const outcome = outcomes[i];
    return row !== undefined && outcome instanceof HyperCacheError && isPassing(outcome);
  });
  return first < 0 ? batch.length : first;
}
