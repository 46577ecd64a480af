import type { HyperCacheError } from '../common/errors.js';
import { isUnknownScript, messageOf, replyError, unanswered } from './redis-error.js';
import type { Argument, Commands, Reply } from './redis-link.js';
import type { Script } from './script.js';

/** The part of a client of `@redis/client` that we use. @internal */
export interface RedisClient {
  sendCommand(args: readonly Argument[]): Promise<unknown>;
  connect(): Promise<unknown>;
  destroy(): void;
  ref(): void;
  unref(): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect' | 'end', listener: () => void): unknown;
  on(event: 'invalidate', listener: (key: string | Buffer | null) => void): unknown;
}

/** How often a session checks the calls that wait for their replies, in ms. @internal */
export const SWEEP_MS = 100;

/** A call that waits for its reply. */
interface PendingCall {
  readonly command: unknown;
  /** The number of the last sweep at the time of the call. It is cheaper than reading the clock. */
  readonly sentAt: number;
  settle(error: HyperCacheError): void;
}

/**
 * One connection, from its beginning to its end. A command gets its reply on the same connection, or fails with it.
 *
 * @internal
 */
export class Session implements Commands {
  readonly #pending = new Set<PendingCall>();
  #end: string | undefined;
  #sweeps = 0;

  constructor(
    private readonly client: RedisClient,
    /** How long a reply may take, in ms. */
    private readonly timeoutMs: number,
  ) {}

  get pending(): number {
    return this.#pending.size;
  }

  call(args: readonly Argument[]): Promise<Reply> {
    return this.#send(args);
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    return this.#send(['EVALSHA', script.sha, String(keys.length), ...keys, ...args], script);
  }

  /** Fails calls that have waited for too long. Call it every {@link SWEEP_MS}. */
  sweep(): boolean {
    const since = ++this.#sweeps - Math.ceil(this.timeoutMs / SWEEP_MS);
    let isLate = false;
    for (const call of this.#pending) {
      if (call.sentAt >= since) break;
      isLate = true;
      this.#fail(call, `no answer within ${this.timeoutMs} ms`);
    }
    return isLate;
  }

  /** Ends the connection. Idempotent. */
  end(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    for (const call of this.#pending) this.#fail(call, reason);
    this.client.destroy();
  }

  /** The connection keeps the process alive only while a call waits for its answer. */
  #add(call: PendingCall): void {
    if (this.#pending.size === 0) this.client.ref();
    this.#pending.add(call);
  }

  #remove(call: PendingCall): boolean {
    const wasPending = this.#pending.delete(call);
    if (this.#pending.size === 0) this.client.unref();
    return wasPending;
  }

  #fail(call: PendingCall, reason: string): void {
    this.#remove(call);
    call.settle(unanswered(call.command, reason));
  }

  /** @param script a script to load, once, when the server does not know it */
  #send(args: readonly Argument[], script?: Script): Promise<Reply> {
    const [command] = args;
    if (this.#end !== undefined) return Promise.reject(unanswered('GET', this.#end));
    return new Promise((resolve, reject) => {
      const call = { command, sentAt: this.#sweeps, settle: reject };
      this.#add(call);
      this.client.sendCommand(args).then(
        (reply) => {
          this.#remove(call);
          // The client speaks RESP: each parsed value is a Reply.
          return resolve(reply as Reply);
        },
        (error: unknown) => {
          if (!this.#remove(call)) return;
          if (!isReply(error)) reject(unanswered(command, messageOf(error)));
          else if (script !== undefined && isUnknownScript(error)) {
            this.#send(['SCRIPT', 'LOAD', script.text])
              .then(() => this.#send(args))
              .then(resolve, reject);
          } else reject(replyError(error));
        },
      );
    });
  }
}

/** Whether the server itself has refused the command. Otherwise the connection is lost. */
function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]+\b/.test(error.message) && !('code' in error);
}
