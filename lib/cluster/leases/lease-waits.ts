import type { Writable } from 'node:stream';
import { compositeKey } from '../../common/composite-key.js';
import { ClosedError, OutOfOrderError } from '../../common/errors.js';
import { MAX_SENDER_LENGTH } from '../../common/limits.js';
import type { AcquireRequest, LeaseService } from '../../engine/lease-service.js';
import {
  checkedLeaseTtl,
  checkedLimit,
  checkedOwner,
  checkedWait,
} from '../../locks/lock-arguments.js';
import { toStorageError } from '../../sqlite/sqlite-error.js';
import { leaseOf, type CommandLimits } from '../wire/command-codec.js';
import { Fields, malformed, unpackArray } from '../wire/fields.js';
import { encodeFrame, FrameType } from '../wire/wire.js';

/** Interval, in ms, of the signs of life to a node that waits for a lock. */
const SIGN_OF_LIFE_MS = 1000;

/** Requests that are remembered. A copy that comes after this many other requests is not recognized as a copy. */
const REMEMBERED = 10_000;

/** A request without an answer so far. */
interface Waiting {
  abort(): void;
  /** Resolves when the request has left the queue, and holds nothing that no caller knows of. */
  readonly over: Promise<void>;
}

/**
 * The requests of other nodes that wait here for a lease, one for each lease and owner. A copy that the network makes
 * of a request is refused. A newer request of the same node replaces one that the node has given up. So when a
 * connection closes before the answer, this request gives back only what it received itself and no caller knows of.
 *
 * @internal
 */
export class LeaseWaits {
  readonly #known = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #sinks = new Set<Writable>();

  constructor(
    private readonly leases: LeaseService,
    private readonly limits: CommandLimits,
  ) {}

  /** @throws {HC_ARGUMENT_INVALID | HC_OUT_OF_ORDER} before anything is written */
  begin(request: Buffer, sink: Writable): void {
    const fields = new Fields(unpackArray(request));
    const left = new AbortController();
    const wanted: AcquireRequest = {
      lease: leaseOf(fields),
      owner: checkedOwner(fields.any()),
      ttlMs: checkedLeaseTtl(fields.any(), this.limits.maxLockTtl),
      slots: checkedLimit(fields.any()),
      waitMs: checkedWait(fields.any()),
      signal: left.signal,
    };
    const sender = fields.string();
    if (sender.length > MAX_SENDER_LENGTH) throw malformed('a sender');
    this.#admit(sender, fields.integer());
    const { kind, name } = wanted.lease;
    const id = compositeKey(sender, String(kind), name, wanted.owner);
    const before = this.#waiting.get(id);
    before?.abort();
    const over = this.#serve(wanted, sink, left, before?.over);
    const waiting: Waiting = {
      abort: () => {
        left.abort(new ClosedError());
        sink.destroy();
      },
      over: over.finally(() => {
        if (this.#waiting.get(id) === waiting) this.#waiting.delete(id);
      }),
    };
    this.#waiting.set(id, waiting);
  }

  /** Sends a sign of life to every waiting node. */
  beat(): void {
    for (const sink of this.#sinks) giveSign(sink);
  }

  #admit(sender: string, number: number): void {
    const request = compositeKey(sender, String(number));
    if (this.#known.has(request)) throw new OutOfOrderError(number, number);
    this.#known.add(request);
    if (this.#known.size <= REMEMBERED) return;
    const [oldest = ''] = this.#known;
    this.#known.delete(oldest);
  }

  /** Never rejects. */
  async #serve(
    wanted: AcquireRequest,
    sink: Writable,
    left: AbortController,
    before: Promise<void> | undefined,
  ): Promise<void> {
    const { leases } = this;
    let isAnswered = false;
    const sign = setInterval(() => giveSign(sink), SIGN_OF_LIFE_MS);
    this.#sinks.add(sink);
    sink.on('error', () => undefined);
    sink.on('close', () => {
      clearInterval(sign);
      this.#sinks.delete(sink);
      if (!isAnswered) left.abort(new ClosedError());
    });
    sink.write(encodeFrame([FrameType.Hello]));
    const answer = (...content: readonly unknown[]): void => {
      isAnswered = true;
      this.#sinks.delete(sink);
      sink.end(encodeFrame([FrameType.Answer, ...content]));
    };
    try {
      await before;
      const grant = await leases.acquire(wanted);
      // The waiting node has disconnected, so no caller can use the lease.
      if (sink.destroyed && grant !== undefined) await leases.release(wanted.lease, wanted.owner);
      else answer(grant?.token ?? null);
    } catch (error) {
      const { code, message } = toStorageError(error);
      if (!left.signal.aborted) answer(null, code, message);
    }
  }
}

function giveSign(sink: Writable): void {
  sink.write(encodeFrame([FrameType.Heartbeat]));
}
