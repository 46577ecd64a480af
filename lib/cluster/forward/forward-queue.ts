import { setImmediate as onNextTurn } from 'node:timers';
import type { CommandQueue } from '../../engine/command-queue.js';
import type { Command, CommandResult } from '../../engine/command.js';
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
  /** What was accepted stands here until the primary has answered. */
  readonly outbox: Outbox;
  /** Whether writes whose result nobody needs are accepted; otherwise all wait for the primary. */
  readonly accepts: boolean;
  /** What a write meets when the outbox is full: it waits for room instead of being refused. */
  readonly blocksWhenFull: boolean;
}

type Write = QueuedWrite<Command, CommandResult>;

/** What is taken at a turn: a write, and its command encoded once. */
type Taken = Pick<Forwarded, 'write' | 'command' | 'target'>;

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
  readonly #sender: ForwardSender;
  #turn: NodeJS.Immediate | undefined;
  #resumeTurn: NodeJS.Immediate | undefined;
  #pushed = 0;
  #settledCount = 0;
  /** Each waits until so many writes are settled. */
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

  /** Writes that are not yet done. */
  get length(): number {
    return this.#pushed - this.#settledCount;
  }

  /** Why the primary did not take the last request; undefined when it did. */
  get lost(): HyperCacheError | undefined {
    return this.#sender.lost;
  }

  /** Sends what processes of the host have left that have ended, before anything else. */
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

  /** @throws {HC_CLOSED | HC_QUEUE_FULL | HC_OUTBOX_FULL}, and why the primary is lost */
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
    if (this.length === 0 || this.lost !== undefined) return;
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
    this.#sender.wake();
  }

  /** The primary has another history: what was done in the old one cannot arrive here any more. */
  forgetHistory(): void {
    this.#sender.forgetHistory();
  }

  /**
   * Waits for what is not yet done as long as a request may take. What is in the outbox is sent after the next start;
   * the rest is refused, as is everything after.
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

  /** What this node cannot keep in memory until it arrives has to be waited for. */
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

  #settled(count: number): void {
    this.#settledCount += count;
    const isReached = (after: number): boolean => after <= this.#settledCount;
    this.#drains.settle(isReached);
    this.#flushes.settle(isReached);
  }
}
