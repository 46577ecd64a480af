import type { Clock } from '../common/clock.js';
import type { HyperCacheError } from '../common/errors.js';
import { isUnknownScript, messageOf, replyError, unanswered } from './redis-error.js';
import type { Argument, Commands, Reply } from './redis-link.js';
import type { Script } from './script.js';

/** The part of a client of `@redis/client` that is used. @internal */
export interface RedisClient {
  sendCommand(args: readonly Argument[], options?: object): Promise<unknown>;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect' | 'end', listener: () => void): unknown;
  on(event: 'invalidate', listener: (key: string | Buffer | null) => void): unknown;
}

/** A call that waits for its answer. */
interface PendingCall {
  readonly command: unknown;
  /** Monotonic ms. */
  readonly sentAt: number;
  settle(error: HyperCacheError): void;
}

/** @internal */
export interface SessionParts {
  readonly clock: Clock;
  /** How long an answer may take, in ms. */
  readonly timeoutMs: number;
  /** Of the client's: how replies are read. */
  readonly asBytes: object;
}

/**
 * One connection, from its beginning to its end: what was sent on it is answered on it, or fails with it.
 *
 * @internal
 */
export class Session implements Commands {
  readonly #pending = new Set<PendingCall>();
  #end: string | undefined;

  constructor(
    private readonly client: RedisClient,
    private readonly parts: SessionParts,
  ) {}

  get pending(): number {
    return this.#pending.size;
  }

  call(args: readonly Argument[]): Promise<Reply> {
    return this.#send(args).catch((error: unknown) => {
      throw judged(error);
    });
  }

  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    const call = ['EVALSHA', script.sha, String(keys.length), ...keys, ...args];
    try {
      return await this.#send(call);
    } catch (error) {
      if (!isUnknownScript(error)) throw judged(error);
    }
    await this.call(['SCRIPT', 'LOAD', script.text]);
    return this.call(call);
  }

  /** Calls that have waited for too long fail. */
  sweep(): boolean {
    const since = this.parts.clock.monotonic() - this.parts.timeoutMs;
    let isLate = false;
    for (const call of this.#pending) {
      if (call.sentAt > since) break;
      isLate = true;
      this.#fail(call, `no answer within ${this.parts.timeoutMs} ms`);
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

  #fail(call: PendingCall, reason: string): void {
    this.#pending.delete(call);
    call.settle(unanswered(call.command, reason));
  }

  #send(args: readonly Argument[]): Promise<Reply> {
    const [command] = args;
    if (this.#end !== undefined) return Promise.reject(unanswered('GET', this.#end));
    return new Promise((resolve, reject) => {
      const call = { command, sentAt: this.parts.clock.monotonic(), settle: reject };
      this.#pending.add(call);
      const answered = (reply: unknown): void => {
        this.#pending.delete(call);
        // The client answers in RESP: what it parses is a Reply.
        resolve(reply as Reply);
      };
      this.client.sendCommand(args, this.parts.asBytes).then(answered, (error: unknown) => {
        if (!this.#pending.delete(call)) return;
        reject(isReply(error) ? error : unanswered(command, messageOf(error)));
      });
    });
  }
}

/** Whether the server itself has refused; else the connection is lost. */
function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]+\b/.test(error.message) && !('code' in error);
}

function judged(error: unknown): unknown {
  return error instanceof Error && 'hint' in error ? error : replyError(error);
}
