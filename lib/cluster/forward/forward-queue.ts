import { setImmediate as onNextTurn } from 'node:timers';
import type { CommandQueue } from '../../engine/command-queue.js';
import type { Command } from '../../engine/command.js';
import type { CommandResult } from '../../engine/command-result.js';
import {
  ClosedError,
  HyperCacheError,
  OutboxFullError,
  QueueFullError,
} from '../../common/errors.js';
import { holdProcess } from '../../common/hold-process.js';
import { MAX_QUEUED_BYTES, MAX_QUEUED_WRITES } from '../../common/limits.js';
import { commandTracing } from '../../common/traces.js';
import { Waiters } from '../../common/waiters.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import type { QueuedWrite } from '../../engine/command-queue.js';
import { addTraced } from '../../engine/traced-write.js';
import { encodeCommand, type ForwardedCommand } from '../wire/command-codec.js';
import { ForwardLine } from './forward-line.js';
import { ForwardSender, type ForwardSenderParts } from './forward-sender.js';
import { targetOf, type Forwarded, type Outbox } from './outbox.js';

/** @internal */
export interface ForwardQueueParts extends ForwardSenderParts {
  /** Holds each accepted write until the primary has answered for it. */
  readonly outbox: Outbox;
  /** Whether this node accepts writes whose result no caller needs; otherwise each write waits for the primary. */
  readonly accepts: boolean;
  /** Whether a write waits for room when the outbox is full, instead of being refused. */
  readonly blocksWhenFull: boolean;
}

type Write = QueuedWrite<Command, CommandResult>;

/** A write that was taken in this turn, with its command encoded once. */
type Taken = Pick<Forwarded, 'write' | 'command' | 'target'>;

/**
 * Sends a node's writes to the primary. One request carries the writes of one turn of the event loop, plus those that
 * came while the previous request was under way. Only one request is under way at a time, so the writes arrive in
 * order.
 *
 * A write whose result no caller needs is complete for its caller once it is in the outbox. The queue sends it until
 * the primary has answered for it. Any other write is complete when the primary has committed it and this node has
 * applied it. It follows the writes that were accepted before it, and fails when the primary cannot be reached.
 *
 * @internal
 */
export class ForwardQueue implements CommandQueue {
  /** The writes that have come in this turn. */
  #arrived: Write[] = [];
  #arrivedBytes = 0;
  /** The writes to send. */
  readonly #line = new ForwardLine();
  readonly #sender: ForwardSender;
  #turn: NodeJS.Immediate | undefined;
  #resumeTurn: NodeJS.Immediate | undefined;
  #pushed = 0;
  #settledCount = 0;
  /** Each waits until this many writes are settled. */
  readonly #drains = new Waiters<number>();
  readonly #flushes = new Waiters<number>();
  #closed = false;

  constructor(private readonly parts: ForwardQueueParts) {
    const sender = new ForwardSender(parts, this.#line);
    sender.settled.on((count) => this.#settled(count));
    sender.answered.on(() => {
      if (this.#arrived.length > 0) this.#take();
    });
    sender.cleared.on(() => {
      if (this.#arrived.length > 0) this.#turn ??= onNextTurn(this.#onTurn);
    });
    sender.failed.on(() => this.#drains.settle(() => true));
    sender.waiting.on(() => this.#holdProcess());
    this.#sender = sender;
  }

  /** Writes that are not yet settled. */
  get length(): number {
    return this.#pushed - this.#settledCount;
  }

  /** Why the primary did not take the last request; undefined when it did. */
  get lost(): HyperCacheError | undefined {
    return this.#sender.lost;
  }

  /** Sends first what ended processes of this host have left. */
  resume(left: readonly Forwarded[]): void {
    this.#pushed += left.length;
    this.#line.addLeft(left);
    this.#resumeTurn ??= onNextTurn(() => {
      this.#resumeTurn = undefined;
      this.#sender.send();
    });
  }

  assertRoom(count: number, bytes: number): void {
    this.#assertRoom(count, bytes, this.#accepts);
  }

  /** @throws {HC_CLOSED | HC_QUEUE_FULL | HC_OUTBOX_FULL} or why the primary is lost */
  push(write: Write): void {
    if (!commandTracing.hasSubscribers) return this.#join(write);
    addTraced(write, this.#isAcceptable(write) ? 'outbox' : 'primary', (traced) =>
      this.#join(traced),
    );
  }

  #join(write: Write): void {
    this.#assertRoom(1, write.bytes, this.#isAcceptable(write));
    this.#arrived.push(write);
    this.#arrivedBytes += write.bytes;
    this.#pushed++;
    this.#turn ??= onNextTurn(this.#onTurn);
  }

  /** Pushes a normal write: a secondary has no relaxed writes. */
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

  /** Resolves when the writes pushed so far are settled, or when the primary is away. */
  async drain(): Promise<void> {
    if (this.length === 0 || this.lost !== undefined) return;
    const drained = this.#drains.wait(this.#pushed);
    this.#holdProcess();
    await drained;
  }

  /**
   * As {@link drain}, but also waits while the primary is away. Resolves to whether the writes were settled within the
   * timeout, in ms.
   */
  async flush(timeoutMs: number): Promise<boolean> {
    return this.length === 0 || holdProcess(this.#flushes.wait(this.#pushed, timeoutMs));
  }

  /** The primary can be reached again: retries need not wait any longer. */
  wake(): void {
    this.#sender.wake();
  }

  /** The primary has another history: changes of the old one can no longer arrive here. */
  forgetHistory(): void {
    this.#sender.forgetHistory();
  }

  /**
   * Waits for unsettled writes as long as a request may take. Writes in the outbox are sent after the next start. The
   * others are refused, as is every later write.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.lost === undefined) await this.flush(this.parts.timeoutMs);
    this.#sender.stop();
    for (const turn of [this.#turn, this.#resumeTurn]) if (turn !== undefined) clearImmediate(turn);
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
    const { broken } = this.#sender;
    if (!areAcceptable && broken !== undefined) throw broken;
    const waiting = this.#arrived.length + this.#line.asking;
    if (waiting + count > MAX_QUEUED_WRITES || this.#arrivedBytes + bytes > MAX_QUEUED_BYTES) {
      throw new QueueFullError(waiting, count);
    }
  }

  /** A write must wait for the primary when this node cannot keep more writes in memory until their changes arrive. */
  get #accepts(): boolean {
    return this.parts.accepts && !this.#sender.isFull;
  }

  #isAcceptable(write: Write): boolean {
    return this.#accepts && write.accepted !== undefined;
  }

  readonly #onTurn = (): void => {
    this.#turn = undefined;
    this.#take();
    this.#sender.send();
    this.#holdProcess();
  };

  #holdProcess(): void {
    this.#sender.holdProcess(this.#arrived.length + this.#line.asking + this.#drains.size > 0);
  }

  /** Moves the writes of this turn into the line. Those that may be accepted are accepted durably, in one transaction. */
  #take(): void {
    const { outbox } = this.parts;
    // A write that must wait for room also holds back all writes behind it.
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
    // A write whose caller waits may depend on the writes before it, so replacing is safe only when all were accepted.
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

  /** Removes writes that newer ones have replaced. */
  #leave(superseded: ReadonlySet<Forwarded>): void {
    if (superseded.size === 0) return;
    this.#line.remove(superseded);
    for (const { write } of superseded) write.committed({ stored: true, revision: 0 });
    this.#settled(superseded.size);
  }

  #settled(count: number): void {
    this.#settledCount += count;
    const isReached = (after: number): boolean => after <= this.#settledCount;
    this.#drains.settle(isReached);
    this.#flushes.settle(isReached);
  }
}
