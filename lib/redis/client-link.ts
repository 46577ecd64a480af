import type { Backoff } from '../common/backoff.js';
import { ClosedError, HyperCacheError } from '../common/errors.js';
import { ServerUnfitError, ServerUnreachableError } from '../common/server-errors.js';
import { messageOf } from './redis-error.js';
import type { Argument, LinkState, RedisLink, Reply } from './redis-link.js';
import type { Script } from './script.js';
import { Session, SWEEP_MS, type RedisClient } from './session.js';

/** How long to wait before the next attempt on a server that refuses the login, in ms. */
const REFUSED_RETRY_MS = 30_000;

/** @internal */
export interface ClientLinkParts {
  readonly timeoutMs: number;
  readonly backoff: Backoff;
  /** Makes a client that is not yet connected. Its replies are bytes. */
  readonly connect: () => Promise<RedisClient>;
  /** Prepares each connection before it is open. */
  readonly prepare: (session: Session) => Promise<void>;
  /** Called when a connection is lost or cannot be made. */
  readonly onFailure: (error: HyperCacheError) => void;
}

/**
 * The link over `@redis/client`: one connection at a time, each prepared before use. The link keeps its own deadlines, because
 * the client can take back only what it has not yet written.
 *
 * @internal
 */
export class ClientLink implements RedisLink {
  #session: Session | undefined;
  #number = 0;
  #state: LinkState = 'closed';
  #isClosed = false;
  #isRefused = false;
  #retry: NodeJS.Timeout | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  readonly #onInvalidate = new Set<(key: string | null) => void>();
  readonly #onState = new Set<(state: LinkState) => void>();

  constructor(private readonly parts: ClientLinkParts) {}

  get state(): LinkState {
    return this.#state;
  }

  get session(): number {
    return this.#number;
  }

  /** Calls that wait for their replies. */
  get pending(): number {
    return this.#session?.pending ?? 0;
  }

  /**
   * Makes the first connection.
   *
   * @param isLazy whether a server that cannot be reached is tried again in the background
   * @throws {HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING}
   */
  async start(isLazy = false): Promise<void> {
    // Runs after the replies of this turn: a process that was busy itself must not blame the server.
    this.#sweeper = setInterval(() => setImmediate(() => this.#sweep()), SWEEP_MS).unref();
    try {
      await this.#connect();
    } catch (error) {
      if (isLazy && error instanceof ServerUnreachableError && !this.#isClosed) {
        this.parts.onFailure(error);
        this.#connectLater(this.parts.backoff.next());
        return;
      }
      this.close();
      throw error;
    }
  }

  call(args: readonly Argument[]): Promise<Reply> {
    const session = this.#open();
    return session instanceof Session ? session.call(args) : Promise.reject(session);
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    const session = this.#open();
    return session instanceof Session ? session.run(script, keys, args) : Promise.reject(session);
  }

  onInvalidate(listener: (key: string | null) => void): () => void {
    this.#onInvalidate.add(listener);
    return () => this.#onInvalidate.delete(listener);
  }

  onState(listener: (state: LinkState) => void): () => void {
    this.#onState.add(listener);
    return () => this.#onState.delete(listener);
  }

  /** Gives up a connection that cannot be trusted, for the given reason. The link then makes another one. */
  drop(reason: string): void {
    if (this.#session !== undefined) this.#lose(this.#session, reason);
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    clearTimeout(this.#retry);
    const session = this.#session;
    this.#session = undefined;
    this.#become('closed');
    session?.end('the cache is closed');
  }

  #sweep(): void {
    if (this.#session?.sweep() === true) this.#lose(this.#session, 'it does not answer');
  }

  #open(): Session | HyperCacheError {
    if (this.#isClosed) return new ClosedError();
    if (this.#state === 'open' && this.#session !== undefined) return this.#session;
    return new ServerUnreachableError('there is no connection just now');
  }

  async #connect(): Promise<void> {
    const { timeoutMs } = this.parts;
    const client = await this.parts.connect();
    const session = new Session(client, timeoutMs);
    if (this.#isClosed) {
      session.end('the cache is closed');
      throw new ClosedError();
    }
    this.#session = session;
    this.#number++;
    client.on('invalidate', (key) => {
      if (this.#session !== session) return;
      const text = key === null ? null : key.toString();
      for (const listener of this.#onInvalidate) listener(text);
    });
    client.on('error', (error) => this.#lose(session, messageOf(error)));
    client.on('end', () => this.#lose(session, 'the connection was closed'));
    let greeting: NodeJS.Timeout | undefined;
    // The client's own limit ends when the socket is open. The other side may still be no server, or one that hangs.
    client.on('connect', () => {
      const reason = `no answer within ${timeoutMs} ms`;
      greeting = setTimeout(() => session.end(reason), timeoutMs).unref();
    });
    try {
      this.#isRefused = false;
      await client.connect().catch((error: unknown) => {
        const failure = connectError(error);
        this.#isRefused = failure instanceof ServerUnfitError;
        throw failure;
      });
      clearTimeout(greeting);
      this.#become('opening');
      await this.parts.prepare(session);
    } catch (error) {
      clearTimeout(greeting);
      if (this.#session === session) this.#session = undefined;
      this.#become('closed');
      session.end(messageOf(error));
      throw error;
    }
    if (this.#session !== session) throw new ServerUnreachableError('the connection was closed');
    this.parts.backoff.reset();
    this.#become('open');
  }

  #lose(session: Session, reason: string): void {
    if (this.#session !== session) return;
    const wasOpen = this.#state === 'open';
    this.#session = undefined;
    this.#become('closed');
    session.end(reason);
    // While the connection is being prepared, the attempt itself fails.
    if (!wasOpen || this.#isClosed) return;
    this.parts.onFailure(new ServerUnreachableError(reason));
    this.#connectLater(this.parts.backoff.next());
  }

  #connectLater(ms: number): void {
    this.#retry = setTimeout(() => {
      this.#connect().catch((error: unknown) => {
        if (this.#isClosed) return;
        if (error instanceof HyperCacheError) this.parts.onFailure(error);
        this.#connectLater(this.#isRefused ? REFUSED_RETRY_MS : this.parts.backoff.next());
      });
    }, ms).unref();
  }

  #become(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#onState) listener(state);
  }
}

function connectError(error: unknown): HyperCacheError {
  const text = messageOf(error);
  const command = /^NOPERM .*'([^']*)' command/.exec(text)?.[1];
  if (command !== undefined) {
    return new ServerUnfitError([
      `The user may not run ${command}: ACL SETUSER <user> +${command}.`,
    ]);
  }
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(text)) {
    return new ServerUnfitError([
      `It refuses the login: ${text}. Put the correct user and password into the url.`,
    ]);
  }
  return new ServerUnreachableError(text, { cause: error });
}
