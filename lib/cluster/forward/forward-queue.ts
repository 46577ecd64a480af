import { setImmediate as onNextTurn } from 'node:timers';
import type { CommandQueue } from '../../engine/command-queue.js';
import type { Command, CommandResult } from '../../engine/command.js';
import {
  ClosedError,
  HyperCacheError,
  OutboxFullError,
  PrimaryUnreachableError,
  QueueFullError,
  type HyperCacheErrorCode,
} from '../../common/errors.js';
import { Backoff } from '../../common/backoff.js';
import { holdProcess } from '../../common/hold-process.js';
import { MAX_QUEUED_BYTES, MAX_QUEUED_WRITES } from '../../common/limits.js';
import type { Random } from '../../common/random.js';
import { Waiters } from '../../common/waiters.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { whenFree } from '../../sqlite/when-free.js';
import type { QueuedWrite } from '../../engine/command-queue.js';
import { UnappliedWrites, settleWrite, type AppliedChanges } from './unapplied-writes.js';
import type { ChangeBatch } from '../wire/change-batch.js';
import { encodeCommand, withOrigin, type ForwardedCommand } from '../wire/command-codec.js';
import { answerFromWire, RequestKind, type CommandsAnswer } from '../wire/exchange.js';
import { ForwardLine } from './forward-line.js';
import type { OrphanedOutboxes } from './orphaned-outboxes.js';
import { isPassing, targetOf, type Forwarded, type Outbox } from './outbox.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { pack } from '../wire/wire.js';

/** How a node gets to see what the primary has committed. @internal */
export interface FollowedChanges extends AppliedChanges {
  /** Whether the changes come by themselves. */
  readonly isFed: boolean;
  apply(batch: ChangeBatch): void;
}

/** @internal */
export interface ForwardQueueParts {
  readonly client: PrimaryClient;
  readonly replica: FollowedChanges;
  readonly random: Random;
  /** Milliseconds that a write waits for its own change to arrive, and a close for everything. */
  readonly timeoutMs: number;
  /** What was accepted stands here until the primary has answered. */
  readonly outbox: Outbox;
  /** Whether writes whose result nobody needs are accepted; otherwise all wait for the primary. */
  readonly accepts: boolean;
  /** What a write meets when the outbox is full: it waits for room instead of being refused. */
  readonly blocksWhenFull: boolean;
  /** What processes of the host have left that have ended: it goes first. */
  readonly left: Pick<OrphanedOutboxes, 'mayPass' | 'answered'>;
  /** What went wrong that no caller is told about. */
  readonly onError: (error: HyperCacheError, during: string) => void;
}

type Write = QueuedWrite<Command, CommandResult>;

const SENDER_BYTES = 16;

/** Until it is looked again whether what goes first has been sent. */
const TURN_MS = 5;
const WAITS_BEHIND = 'another process of this host has not sent yet what was accepted before';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1000;

/** After so many requests in a row that failed, nobody is to wait for what will hardly come. */
const BREAK_AFTER = 3;
const BREAK_MS = 250;

/** What is taken at a turn: a write, and its command encoded once. */
type Taken = Pick<Forwarded, 'write' | 'command' | 'target'>;

/** What the primary says of a request that it did not execute, because of what stands in it. */
const REFUSALS: ReadonlySet<HyperCacheErrorCode> = new Set<HyperCacheErrorCode>([
  'HC_ARGUMENT_INVALID',
  'HC_BODY_TOO_LARGE',
  'HC_KEY_INVALID',
  'HC_REQUEST_INVALID',
  'HC_VALUE_TOO_LARGE',
]);

/**
 * Sends a node's writes to the primary: those of one turn of the event loop, and those that came while a request was
 * on its way, in one request, one request at a time, so that they arrive in their order.
 *
 * A write whose result nobody needs is done for its caller when it is in the outbox; it is sent until the primary has
 * answered for it. Any other is done when the primary has committed it and this node has applied it; it goes behind
 * what was accepted before, and fails when the primary cannot be reached.
 *
 * @internal
 */
export class ForwardQueue implements CommandQueue {
  /** What has come in this turn. */
  #arrived: Write[] = [];
  #arrivedBytes = 0;
  /** What is to be sent. */
  readonly #line = new ForwardLine();
  #turn: NodeJS.Immediate | undefined;
  #resumeTurn: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isSending = false;
  /** By which the primary tells a request that comes twice, or too late. */
  readonly #sender: string;
  readonly #answered: UnappliedWrites;
  #requests = 0;
  readonly #backoff: Backoff;
  /** Ends the waiting for what another process of the host has to send first. */
  #turnTimer: NodeJS.Timeout | undefined;
  #lost: HyperCacheError | undefined;
  #pushed = 0;
  #settledCount = 0;
  /** Each waits until so many writes are settled. */
  readonly #drains = new Waiters<number>();
  readonly #flushes = new Waiters<number>();
  #closed = false;
  /** Nothing is sent any more. */
  #isOver = false;

  constructor(private readonly parts: ForwardQueueParts) {
    this.#sender = parts.random.hex(SENDER_BYTES);
    this.#backoff = new Backoff(parts.random, FIRST_RETRY_MS, LAST_RETRY_MS);
    this.#answered = new UnappliedWrites({
      ...parts,
      ...parts.outbox.bounds,
      onSettled: (count) => this.#settled(count),
    });
  }

  /** Writes that are not yet done. */
  get length(): number {
    return this.#pushed - this.#settledCount;
  }

  /** Why the primary did not take the last request; undefined when it did. */
  get lost(): HyperCacheError | undefined {
    return this.#lost;
  }

  /** Sends what processes of the host have left that have ended, before anything else. */
  resume(left: readonly Forwarded[]): void {
    this.#pushed += left.length;
    this.#line.addLeft(left);
    this.#resumeTurn ??= onNextTurn(() => {
      this.#resumeTurn = undefined;
      this.#send();
    });
  }

  assertRoom(count: number, bytes: number): void {
    this.#assertRoom(count, bytes, this.#accepts);
  }

  /** @throws {HC_CLOSED | HC_QUEUE_FULL | HC_OUTBOX_FULL}, and why the primary is lost */
  push(write: Write): void {
    this.#assertRoom(1, write.bytes, this.#isAcceptable(write));
    this.#arrived.push(write);
    this.#arrivedBytes += write.bytes;
    this.#pushed++;
    this.#turn ??= onNextTurn(this.#onTurn);
  }

  /** No write of a replica is relaxed. */
  pushRelaxed(write: Write): boolean {
    this.push(write);
    return false;
  }

  keepsUp(): boolean {
    return false;
  }

  rest(): undefined {
    return undefined;
  }

  /** Resolves when as many writes are done or refused as there were, or the primary is away. */
  async drain(): Promise<void> {
    if (this.length === 0 || this.#lost !== undefined) return;
    const drained = this.#drains.wait(this.#pushed);
    this.#holdProcess();
    await drained;
  }

  /** As {@link drain}, also while the primary is away; resolves to whether that came within a time, in ms. */
  async flush(timeoutMs: number): Promise<boolean> {
    return this.length === 0 || holdProcess(this.#flushes.wait(this.#pushed, timeoutMs));
  }

  /** The primary can be reached again: what waits for a retry need not wait any longer. */
  wake(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#backoff.reset();
    this.#send();
  }

  /** The primary has another history: what was done in the old one cannot arrive here any more. */
  forgetHistory(): void {
    this.#answered.forgetHistory();
  }

  /**
   * Waits for what is not yet done as long as a request may take. What is in the outbox is sent after the next start;
   * the rest is refused, as is everything after.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#lost === undefined) await this.flush(this.parts.timeoutMs);
    this.#isOver = true;
    for (const turn of [this.#turn, this.#resumeTurn]) if (turn !== undefined) clearImmediate(turn);
    clearTimeout(this.#retry);
    clearTimeout(this.#turnTimer);
    const asking = this.#line.removeAsking().map(({ write }) => write);
    this.#line.clear();
    for (const write of [...this.#arrived.splice(0), ...asking]) write.failed(new ClosedError());
    this.forgetHistory();
  }

  #assertRoom(count: number, bytes: number, areAcceptable: boolean): void {
    if (this.#closed) throw new ClosedError();
    const { outbox, blocksWhenFull } = this.parts;
    if (areAcceptable && outbox.isFull && !blocksWhenFull) {
      throw new OutboxFullError(outbox.entries, outbox.bytes);
    }
    if (!areAcceptable && this.#isBroken && this.#lost !== undefined) throw this.#lost;
    const waiting = this.#arrived.length + this.#line.asking;
    if (waiting + count > MAX_QUEUED_WRITES || this.#arrivedBytes + bytes > MAX_QUEUED_BYTES) {
      throw new QueueFullError(waiting, count);
    }
  }

  /** What this node cannot keep in memory until it arrives has to be waited for. */
  get #accepts(): boolean {
    return this.parts.accepts && !this.#answered.isFull;
  }

  #isAcceptable(write: Write): boolean {
    return this.#accepts && write.accepted !== undefined;
  }

  get #isBroken(): boolean {
    return this.#backoff.failures >= BREAK_AFTER && this.#retry !== undefined;
  }

  readonly #onTurn = (): void => {
    this.#turn = undefined;
    this.#take();
    this.#send();
    this.#holdProcess();
  };

  /** The process goes on while a caller waits for what comes at these times; what was accepted is sent by the next one, too. */
  #holdProcess(): void {
    const isAwaited = this.#arrived.length + this.#line.asking + this.#drains.size > 0;
    for (const timer of [this.#retry, this.#turnTimer]) {
      if (isAwaited) timer?.ref();
      else timer?.unref();
    }
  }

  /** What has arrived joins the line; what may be accepted is accepted, durably, in one transaction. */
  #take(): void {
    const { outbox } = this.parts;
    // Who is to wait for room waits, and so does everything behind.
    if (outbox.isFull && this.#line.length > 0) return;
    const taken = this.#arrived.splice(0).map((write): Taken => {
      const command = write.command as ForwardedCommand;
      return { write, command: encodeCommand(command), target: targetOf(command) };
    });
    this.#arrivedBytes = 0;
    const acceptable = new Set(taken.filter(({ write }) => this.#isAcceptable(write)));
    const accepted = new Map(this.#accept(Array.from(acceptable), taken.length));
    for (const one of taken) {
      const item = acceptable.has(one)
        ? accepted.get(one.write)
        : { ...one, bytes: one.write.bytes, row: undefined };
      if (item !== undefined) this.#line.join(item);
    }
    for (const write of accepted.keys()) write.accepted?.();
  }

  #accept(acceptable: readonly Taken[], takenCount: number): [Write, Forwarded][] {
    if (acceptable.length === 0) return [];
    const { outbox } = this.parts;
    const superseded = new Set<Forwarded>();
    // Who waits for an answer may depend on what stands before him.
    if (acceptable.length === takenCount) {
      for (const { target } of acceptable) {
        const older = this.#line.replaceableBy(target);
        if (older !== undefined) superseded.add(older);
      }
    }
    try {
      const items = outbox.accept(acceptable, Array.from(superseded));
      this.#leave(superseded);
      return items.map((item) => [item.write, item]);
    } catch (error) {
      const failure = toStorageError(error);
      for (const { write } of acceptable) write.failed(failure);
      this.#settled(acceptable.length);
      return [];
    }
  }

  /** Newer writes have taken their places. */
  #leave(superseded: ReadonlySet<Forwarded>): void {
    if (superseded.size === 0) return;
    this.#line.remove(superseded);
    for (const { write } of superseded) write.committed({ stored: true, revision: 0 });
    this.#settled(superseded.size);
  }

  readonly #send = (): void => {
    if (this.#isOver || this.#isSending || this.#retry !== undefined) return;
    if (this.#line.length === 0) return;
    const batch = this.#line.take(() => this.parts.left.mayPass());
    if (batch === undefined) return this.#waitForTurn();
    clearTimeout(this.#turnTimer);
    this.#turnTimer = undefined;
    this.#isSending = true;
    this.#exchange(batch)
      .finally(() => {
        this.#isSending = false;
        if (this.#arrived.length > 0) this.#take();
        this.#send();
      })
      .catch((error: unknown) => {
        this.parts.onError(toStorageError(error), 'taking the answer of the primary');
      });
  };

  /** Another process of the host sends what goes first. */
  #waitForTurn(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#send();
    }, TURN_MS);
    this.#turnTimer ??= setTimeout(() => {
      this.#turnTimer = undefined;
      const { url } = this.parts.client;
      this.#failed([], new PrimaryUnreachableError(url, WAITS_BEHIND));
    }, this.parts.timeoutMs);
    this.#holdProcess();
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
      if (REFUSALS.has(failure.code)) this.#refused(batch, failure);
      else this.#failed(batch, failure);
      return;
    }
    void this.#applyAhead(answer);
    this.#lost = undefined;
    const answered = this.#firstUnanswered(batch, answer);
    if (answered === batch.length) this.#backoff.reset();
    else this.#keepRest(batch, answered, answer);
    const done = batch.slice(0, answered);
    if (done.length === 0) return;
    this.#clearOutbox(done, answer.outcomes);
    this.#answered.settle(done, answer).catch((error: unknown) => {
      // The node closes meanwhile, or its file is lost.
      this.parts.onError(toStorageError(error), 'waiting for what was written');
    });
  }

  /** The primary did nothing, because of one of them: each is sent alone, so that only that one is refused. */
  #refused(batch: readonly Forwarded[], failure: HyperCacheError): void {
    const [only] = batch;
    if (batch.length > 1 || only === undefined) {
      this.#line.putBackOneByOne(batch);
      return;
    }
    this.#clearOutbox(batch, [failure]);
    settleWrite(only, failure);
    this.#settled(1);
  }

  /** Nothing of the batch was answered: what was accepted is sent again, the rest fails, and what waits behind it. */
  #failed(batch: readonly Forwarded[], failure: HyperCacheError): void {
    if (this.#lost === undefined) this.parts.onError(failure, 'sending writes to the primary');
    this.#lost = failure;
    this.#line.putBack(batch);
    const asking = this.#line.removeAsking();
    for (const { write } of asking) write.failed(failure);
    this.#settled(asking.length);
    this.#drains.settle(() => true);
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isOver) return;
    const pause = this.#backoff.next();
    const ms = this.#line.length > 0 ? pause : BREAK_MS;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#send();
    }, ms);
    this.#holdProcess();
  }

  /** Where what was accepted begins to have failed in a way that passes; the primary takes it in order only. */
  #firstUnanswered(batch: readonly Forwarded[], { outcomes }: CommandsAnswer): number {
    const first = batch.findIndex(({ row }, i) => {
      const outcome = outcomes[i];
      return row !== undefined && outcome instanceof HyperCacheError && isPassing(outcome);
    });
    return first < 0 ? batch.length : first;
  }

  /** Puts back what was accepted; those who wait for an answer have theirs. */
  #keepRest(batch: readonly Forwarded[], first: number, { outcomes }: CommandsAnswer): void {
    const failure = outcomes[first];
    if (failure instanceof HyperCacheError) this.parts.onError(failure, 'sending writes');
    const rest = batch.slice(first);
    this.#line.putBack(rest.filter(({ row }) => row !== undefined));
    for (const [i, item] of rest.entries()) {
      if (item.row !== undefined) continue;
      settleWrite(item, outcomes[first + i]);
      this.#settled(1);
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
    if (this.#arrived.length > 0) this.#turn ??= onNextTurn(this.#onTurn);
  }

  #settled(count: number): void {
    this.#settledCount += count;
    const isReached = (after: number): boolean => after <= this.#settledCount;
    this.#drains.settle(isReached);
    this.#flushes.settle(isReached);
  }
}

/** The commands as they travel; each that was accepted says which one it follows. */
function commandsOf(batch: readonly Forwarded[]): unknown[] {
  let follows: number | undefined;
  return batch.map(({ command, row }) => {
    if (row === undefined) return command;
    const { source, sequence } = row;
    const message = withOrigin(command, { source, sequence, follows });
    follows = sequence;
    return message;
  });
}
