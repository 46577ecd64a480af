import type { Script } from './script.js';

/** One argument of a command. @internal */
export type Argument = string | Buffer;

/** A reply: integers as numbers, strings as bytes, lists as arrays, nothing as null. @internal */
export type Reply = number | string | Buffer | null | readonly Reply[];

/** `opening` means connected and not yet in use. @internal */
export type LinkState = 'closed' | 'opening' | 'open';

/** Sends commands. The commands of one turn leave in one packet and are executed in the order of the calls. @internal */
export interface Commands {
  /**
   * @throws {HC_SERVER_UNREACHABLE} nothing was executed, or it was only a read
   * @throws {HC_OUTCOME_UNKNOWN | HC_STORAGE_FULL | HC_STORAGE_FAILED | HC_STORAGE_FOREIGN | HC_SERVER_UNFIT | HC_QUEUE_FULL}
   */
  call(args: readonly Argument[]): Promise<Reply>;
  /** As {@link call}, for a script, which is loaded first when the server does not know it. */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply>;
}

/**
 * The connection to the server, as the rest of the engine sees it. A lost connection is opened again automatically.
 *
 * @internal
 */
export interface RedisLink extends Commands {
  readonly state: LinkState;
  /** Grows with each connection. */
  readonly session: number;
  /**
   * Calls the listener when the server reports that a key which was read has changed; null means all keys. Returns a function
   * that stops it. Listeners run before the promises of replies that came with the message.
   */
  onInvalidate(listener: (key: string | null) => void): () => void;
  onState(listener: (state: LinkState) => void): () => void;
}
