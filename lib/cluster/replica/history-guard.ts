import { SupersededError, TwoPrimariesError } from '../../common/errors.js';
import type { Ancestor } from '../failover/ancestry.js';
import type { Position } from '../wire/position.js';

/** How a primary identifies itself when a connection begins. @internal */
export interface Greeting extends Position {
  /** Name of its process, for people to read. It changes each time the file is opened. */
  readonly name: string;
  /** The primary resumes from this node's position, without a snapshot. */
  readonly resumes: boolean;
  /** The primary has not gone through the epoch of this node's position: this node has followed a copy of its file. */
  readonly isCopy: boolean;
}

/** The position of this node when the primary greets it. @internal */
export interface Standing {
  readonly position: Position;
  readonly ancestors: readonly Ancestor[];
}

/**
 * Remembers which primaries this node has followed since its start. Together they reveal what no single primary could
 * do.
 *
 * @internal
 */
export class HistoryGuard {
  #followed: Pick<Greeting, 'historyId' | 'name'> | undefined;
  /** Processes that this node followed earlier, and their histories. */
  readonly #left = new Map<string, string>();
  #agreedWith: string | undefined;

  constructor(private readonly url: string) {}

  /**
   * Judges a primary before this node follows it.
   *
   * @returns an error to report, although the node follows the primary
   * @throws {HC_SUPERSEDED | HC_TWO_PRIMARIES} when its history must not replace the held one
   */
  judge(greeting: Greeting, { position, ancestors }: Standing): TwoPrimariesError | undefined {
    const { historyId, name } = greeting;
    if (historyId !== position.historyId) {
      if (ancestors.some((ancestor) => ancestor.historyId === historyId)) {
        throw new SupersededError(
          `The primary at ${this.url}, ${name}, has history ${historyId}, which ended when another node was promoted; this node follows its successor ${position.historyId}.`,
          'Point primaryUrl at the node that was promoted, and stop the former primary.',
        );
      }
      // Its process kept the file open all the time: it has not come back, because it was never gone.
      if (this.#left.get(name) === historyId) throw this.#inTurn(greeting);
      return undefined;
    }
    const isBehind = greeting.revision < position.revision && greeting.epoch <= position.epoch;
    if (greeting.resumes || (!isBehind && !greeting.isCopy)) return undefined;
    return new TwoPrimariesError(
      `${name} at ${this.url} claims history ${historyId} up to revision ${greeting.revision}, but ${this.#followed?.name ?? 'the primary that this node has followed before'} had reached revision ${position.revision} in ${greeting.isCopy ? 'an epoch that it does not know' : 'the same epoch'}.`,
      'They run on copies of one directory: stop one of them. Restore copies only from a backup, which begins a new history.',
    );
  }

  /** This node follows the given primary from now on. */
  follow({ historyId, name }: Pick<Greeting, 'historyId' | 'name'>): void {
    if (this.#followed !== undefined && this.#followed.name !== name) {
      this.#left.set(this.#followed.name, this.#followed.historyId);
      // Processes come and go; two that alternate are among the last few.
      for (const [oldest] of this.#left) if (this.#left.size > 16) this.#left.delete(oldest);
    }
    this.#left.delete(name);
    this.#followed = { historyId, name };
  }

  /** A part of what is held was compared and agrees. */
  agree(): void {
    this.#agreedWith = this.#followed?.name;
  }

  /** A compared part differs. Undefined when nothing indicates a second primary. */
  differ(revision: number): TwoPrimariesError | undefined {
    const before = this.#agreedWith;
    const now = this.#followed?.name;
    this.#agreedWith = undefined;
    if (before === undefined || now === undefined || before === now) return undefined;
    return new TwoPrimariesError(
      `At revision ${revision} this replica differs from ${now} at ${this.url}, and agreed with ${before}, which claims the same history.`,
      'If both run, they run on copies of one directory: stop one of them. The replica takes a new snapshot by itself.',
    );
  }

  #inTurn({ historyId, name }: Greeting): TwoPrimariesError {
    const { historyId: other = '', name: otherName = '' } = this.#followed ?? {};
    return new TwoPrimariesError(
      `Two primaries answer at ${this.url} in turn: ${name} with history ${historyId}, and ${otherName} with history ${other}, which this node follows.`,
      'Point primaryUrl at exactly one primary, without a load balancer in between, and stop the other.',
    );
  }
}
