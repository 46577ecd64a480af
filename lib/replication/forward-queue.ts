import { setImmediate as onNextTurn } from 'node:timers';
import type { CommandQueue } from '../cache/cache-writer.js';
import type { Command, CommandResult } from '../commands/command.js';
import {
  ClosedError,
  HyperCacheError,
  QueueFullError,
  ReplicaBehindError,
} from '../common/errors.js';
import { toStorageError } from '../storage/sqlite-error.js';
import type { QueuedWrite } from '../storage/write-queue.js';
import { encodeCommand, type ForwardedCommand } from './command-codec.js';
import { answerFromWire, RequestKind, type CommandsAnswer } from './exchange.js';
import { malformed, unpackArray } from './fields.js';
import type { PrimaryClient } from './primary-client.js';
import type { ChangeBatch } from './change-batch.js';
import type { Position } from './position.js';
import { pack } from './wire.js';

type Forwarded = QueuedWrite<Command, CommandResult>;

/** How a node gets to see what the primary has committed. @internal */
export interface FollowedChanges {
  /** Where it stands; undefined while it holds nothing, and its reads go where its writes go. */
  readonly position: Position | undefined;
  /** Whether the changes come by themselves. */
  readonly isFed: boolean;
  apply(batch: ChangeBatch): void;
  /** Somebody has been told what the primary held there: reads from here must not show less. */
  mustReach(position: Position): void;
  /** Resolves to whether everything up to a position is here within a time, in ms. */
  whenReached(position: Position, timeoutMs: number): Promise<boolean>;
}

/** @internal */
export interface ForwardQueueParts {
  readonly client: PrimaryClient;
  readonly replica: FollowedChanges;
  /** Milliseconds that a write waits for its own change to arrive. */
  readonly timeoutMs: number;
}

/** What one request takes at most. */
const BATCH_OPERATIONS = 1000;
const BATCH_BYTES = 4 * 1024 * 1024;

/** Writes that wait for the primary; those beyond are refused. */
const MAX_OPERATIONS = 200_000;
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Sends a node's writes to the primary: those of one turn of the event loop, and those that came while a request was
 * on its way, in one request, one request at a time, so that they arrive in their order. A write is done when the
 * primary has committed it and this node has applied it: the node reads its own writes.
 *
 * @internal
 */
export class ForwardQueue implements CommandQueue {
  #waiting: Forwarded[] = [];
  #bytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #isSending = false;
  #unsettled = 0;
  #drains: (() => void)[] = [];
  #closed = false;

  constructor(private readonly parts: ForwardQueueParts) {}

  /** Writes that are not yet done. */
  get length(): number {
    return this.#unsettled;
  }

  /** @throws {HC_CLOSED | HC_QUEUE_FULL} */
  push(write: Forwarded): void {
    if (this.#closed) throw new ClosedError();
    if (this.#waiting.length >= MAX_OPERATIONS || this.#bytes + write.bytes > MAX_BYTES) {
      throw new QueueFullError(this.#waiting.length);
    }
    this.#waiting.push(write);
    this.#bytes += write.bytes;
    this.#unsettled++;
    if (!this.#isSending) this.#turn ??= onNextTurn(this.#send);
  }

  /** No write of a replica is relaxed. */
  pushRelaxed(write: Forwarded): boolean {
    this.push(write);
    return false;
  }

  keepsUp(): boolean {
    return false;
  }

  /** Resolves when everything that waits now is done or refused, and perhaps some of what came after. */
  drain(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  /** Waits for what is not yet done as long as a request may take, refuses the rest and everything after. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#drainWithin(this.parts.timeoutMs);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const write of waiting) write.failed(new ClosedError());
    this.#settled(waiting.length);
  }

  async #drainWithin(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.drain(), deadline]);
    clearTimeout(timer);
  }

  readonly #send = (): void => {
    this.#turn = undefined;
    if (this.#isSending || this.#waiting.length === 0) return;
    this.#isSending = true;
    void this.#exchange(this.#takeBatch()).finally(() => {
      this.#isSending = false;
      if (this.#waiting.length > 0) this.#send();
    });
  };

  /** Ends when the primary has answered; what it takes until the answer is applied holds up no other request. */
  async #exchange(batch: readonly Forwarded[]): Promise<void> {
    const { client, replica } = this.parts;
    let answer: CommandsAnswer;
    try {
      const commands = batch.map(({ command }) => encodeCommand(command as ForwardedCommand));
      const since = replica.isFed ? -1 : (replica.position?.revision ?? -1);
      const request = [RequestKind.Commands, since, commands];
      answer = answerFromWire(unpackArray(await client.exchange(pack(request))));
      this.#applyAhead(answer);
    } catch (error) {
      const failure = toStorageError(error);
      for (const write of batch) write.failed(failure);
      this.#settled(batch.length);
      return;
    }
    void this.#settleWhenApplied(batch, answer);
  }

  /** While the feed is not there the answer itself brings the changes. */
  #applyAhead({ changes, position }: CommandsAnswer): void {
    const { replica } = this.parts;
    const known = replica.position;
    if (changes === undefined || known === undefined) return;
    if (known.historyId !== position.historyId || known.epoch !== position.epoch) return;
    if (changes.from <= known.revision) replica.apply(changes);
  }

  async #settleWhenApplied(batch: readonly Forwarded[], answer: CommandsAnswer): Promise<void> {
    const { replica, timeoutMs } = this.parts;
    const wanted = { ...answer.position, revision: lastRevisionOf(answer) };
    let isReached = wanted.revision === 0;
    if (replica.position === undefined) {
      // There is nothing to read here that could be older, and must not be when there is.
      replica.mustReach(wanted);
      isReached = true;
    }
    isReached ||= await replica.whenReached(wanted, timeoutMs);
    this.#settle(batch, answer, isReached ? undefined : new ReplicaBehindError(timeoutMs));
  }

  #settle(
    batch: readonly Forwarded[],
    { outcomes }: CommandsAnswer,
    failure: HyperCacheError | undefined,
  ): void {
    for (const [i, write] of batch.entries()) {
      const outcome = outcomes[i];
      if (outcome === undefined || outcome instanceof HyperCacheError) {
        write.failed(outcome ?? malformed('an answer is missing'));
      } else if (failure === undefined) write.committed(outcome);
      else write.failed(failure);
    }
    this.#settled(batch.length);
  }

  #takeBatch(): Forwarded[] {
    let count = 0;
    let bytes = 0;
    for (const write of this.#waiting) {
      if (count > 0 && bytes + write.bytes > BATCH_BYTES) break;
      bytes += write.bytes;
      if (++count === BATCH_OPERATIONS) break;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  #settled(count: number): void {
    this.#unsettled -= count;
    if (this.#unsettled > 0) return;
    for (const resolve of this.#drains.splice(0)) resolve();
  }
}

/** What the node has to have applied before it may say that it is done. */
function lastRevisionOf({ position, outcomes }: CommandsAnswer): number {
  let last = 0;
  for (const outcome of outcomes) {
    if ('revision' in outcome) last = Math.max(last, outcome.revision);
    // Who holds a lease sees what was written under it before.
    else if ('handOvers' in outcome) last = position.revision;
  }
  return last;
}
