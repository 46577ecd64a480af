import type { Readable } from 'node:stream';
import type { CommandQueue } from '../../engine/command-queue.js';
import type { CommandOf } from '../../engine/command.js';
import type { CommandResult, LeaseResult } from '../../engine/command-result.js';
import { PendingCommand } from '../../engine/pending-command.js';
import type { Clock } from '../../common/clock.js';
import type { Random } from '../../common/random.js';
import {
  HyperCacheError,
  OutOfOrderError,
  PrimaryTimeoutError,
  ReplicaBehindError,
} from '../../common/errors.js';
import { reviveError } from '../../common/revive-error.js';
import { LeaseHolders } from '../../engine/lease-holders.js';
import type { AcquireRequest, LeaseHolder, LeaseService } from '../../engine/lease-service.js';
import type { Grant, HeldLease, LeaseName } from '../../engine/lease.js';
import { leaseFields } from '../wire/command-codec.js';
import type { LeasesAnswer } from '../wire/exchange.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import type { RemoteReads } from '../replica/remote-reads.js';
import { FrameReader, FrameType, pack, type Frame } from '../wire/wire.js';

type LeaseCommand = CommandOf<
  'acquireLease' | 'extendLease' | 'releaseLease' | 'forceReleaseLease'
>;

/** A primary that gives no sign of life for this long, in ms, counts as lost. */
const SILENCE_MS = 3000;

const MAX_FRAME_BYTES = 64 * 1024;

const SENDER_BYTES = 16;

/**
 * The leases of the primary. Each lease is timed from before its request, on this machine's clock, so it never ends
 * later here than on the primary. A wait is one long request. A lease granted after a wait is confirmed by an
 * extension, because the travel time of the answer is unknown.
 *
 * @internal
 */
export class RemoteLeases implements LeaseService {
  readonly #holders = new LeaseHolders();
  #waiting = 0;
  /** Identifies this sender, so that the primary recognizes a request that comes twice. */
  readonly #sender: string;
  #requests = 0;

  constructor(
    private readonly queue: CommandQueue,
    private readonly client: PrimaryClient,
    private readonly reads: RemoteReads,
    private readonly clock: Clock,
    random: Random,
  ) {
    this.#sender = random.hex(SENDER_BYTES);
  }

  /** Promises of this node that wait for a lease. */
  get waiting(): number {
    return this.#waiting;
  }

  async acquire(request: AcquireRequest): Promise<Grant | undefined> {
    request.signal?.throwIfAborted();
    const deadline = this.clock.monotonic() + request.waitMs;
    const grant = await this.#take(request);
    if (grant !== undefined || request.waitMs === 0) return grant;
    this.#waiting++;
    try {
      return await this.#wait(request, deadline);
    } finally {
      this.#waiting--;
    }
  }

  async extend(lease: LeaseName, owner: string, ttlMs: number): Promise<Grant | undefined> {
    const since = this.clock.monotonic();
    const { grant } = await this.#run({ kind: 'extendLease', lease, owner, ttl: ttlMs });
    return grant && { token: grant.token, expiresAt: since + ttlMs };
  }

  async release(lease: LeaseName, owner: string): Promise<boolean> {
    return (await this.#run({ kind: 'releaseLease', lease, owner })).done;
  }

  async forceRelease(lease: LeaseName): Promise<boolean> {
    return (await this.#run({ kind: 'forceReleaseLease', lease })).done;
  }

  async holders(lease: LeaseName): Promise<HeldLease[]> {
    await this.queue.drain();
    return this.#held(await this.reads.holders(lease));
  }

  async list(): Promise<HeldLease[]> {
    await this.queue.drain();
    return this.#held(await this.reads.leases());
  }

  watchLoss(holder: LeaseHolder): () => void {
    return this.#holders.watch(holder);
  }

  /** The primary has another history: no holder of a lease can rely on it. */
  loseAll(cause: HyperCacheError): void {
    this.#holders.loseAll(cause);
  }

  /** Runs what the timers of the holders would have done by now. */
  runDue(): void {
    this.#holders.runDue();
  }

  async #take(request: AcquireRequest): Promise<Grant | undefined> {
    const { lease, owner, ttlMs, slots } = request;
    const since = this.clock.monotonic();
    try {
      const mayWait = request.waitMs > 0;
      const { grant } = await this.#run({
        kind: 'acquireLease',
        lease,
        owner,
        ttl: ttlMs,
        slots,
        wait: 0,
        mayWait,
      });
      return grant && { token: grant.token, expiresAt: since + ttlMs };
    } catch (error) {
      if (isUncertain(error)) this.#giveBack(request);
      throw error;
    }
  }

  async #wait(request: AcquireRequest, deadline: number): Promise<Grant | undefined> {
    const { lease, owner, ttlMs, signal } = request;
    for (;;) {
      const left = deadline - this.clock.monotonic();
      if (left <= 0) return undefined;
      let token: number | undefined;
      try {
        token = await this.#answer(request, left);
      } catch (error) {
        const isAborted = signal?.aborted === true;
        if (isAborted || isUncertain(error)) this.#giveBack(request);
        throw isAborted ? signal.reason : error;
      }
      if (token === undefined) return undefined;
      const grant = await this.extend(lease, owner, ttlMs);
      if (grant !== undefined) return grant;
    }
  }

  /**
   * Releases a lease that the primary may have granted without this node knowing; skipped when its handle already holds
   * it.
   */
  #giveBack({ lease, owner, isHeld }: AcquireRequest): void {
    if (isHeld?.() !== true) this.release(lease, owner).catch(() => undefined);
  }

  /** Resolves to the token of the granted lease, or to undefined when the time is over. */
  async #answer(request: AcquireRequest, waitMs: number): Promise<number | undefined> {
    const { lease, owner, ttlMs, slots, signal } = request;
    const connection = new AbortController();
    const abort = (): void => connection.abort();
    signal?.addEventListener('abort', abort, { once: true });
    let heardAt = this.clock.monotonic();
    const watch = setInterval(() => {
      if (this.clock.monotonic() - heardAt > SILENCE_MS) abort();
    }, SILENCE_MS / 6);
    try {
      const order = [this.#sender, ++this.#requests];
      const body = pack([...leaseFields(lease), owner, ttlMs, slots, waitMs, ...order]);
      const stream = await this.client.wait(body, connection.signal);
      const frame = await answerOf(stream, () => {
        heardAt = this.clock.monotonic();
      });
      if (frame === undefined) throw lost(this.client.url, undefined);
      const [, token, code, message] = frame;
      if (typeof code === 'string') throw reviveError(code, String(message));
      return typeof token === 'number' ? token : undefined;
    } catch (error) {
      if (error instanceof HyperCacheError) throw error;
      throw lost(this.client.url, error);
    } finally {
      clearInterval(watch);
      signal?.removeEventListener('abort', abort);
      connection.abort();
    }
  }

  #held(answer: LeasesAnswer): HeldLease[] {
    const now = this.clock.monotonic();
    return answer.map(({ left, ...lease }) => ({ ...lease, expiresAt: now + left }));
  }

  #run(command: LeaseCommand): Promise<LeaseResult> {
    return new Promise((resolve, reject) => {
      this.queue.push(
        new PendingCommand<CommandResult>(
          command,
          0,
          // The primary answers a lease command with the result of its kind.
          (result) => resolve(result as LeaseResult),
          reject,
        ),
      );
    });
  }
}

/** Whether it is unknown if the lease was granted. */
function isUncertain(error: unknown): boolean {
  return (
    error instanceof PrimaryTimeoutError ||
    error instanceof ReplicaBehindError ||
    error instanceof OutOfOrderError
  );
}

function lost(url: string, cause: unknown): PrimaryTimeoutError {
  return new PrimaryTimeoutError(url, 'the connection was lost while waiting', cause);
}

async function answerOf(stream: Readable, onFrame: () => void): Promise<Frame | undefined> {
  const reader = new FrameReader(MAX_FRAME_BYTES);
  for await (const chunk of stream) {
    reader.push(chunk as Buffer);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      onFrame();
      if (frame[0] === FrameType.Answer) return frame;
    }
  }
  return undefined;
}
