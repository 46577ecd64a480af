import { SupersededError, TwoPrimariesError } from '../../common/errors.js';
import type { Ancestor } from '../failover/ancestry.js';
import type { Position } from '../wire/position.js';

/** What a primary says of itself when a connection begins. @internal */
export interface Greeting extends Position {
  /** Of its process, for people; another one each time the file is opened. */
  readonly name: string;
  /** It goes on from where this node stands, without a snapshot. */
  readonly resumes: boolean;
  /** It has not lived through the epoch in which this node stands: this one has followed a copy of its file. */
  readonly isCopy: boolean;
}

/** Where this node stands when it is greeted. @internal */
export interface Standing {
  readonly position: Position;
  readonly ancestors: readonly Ancestor[];
}

/**
 * Remembers which primaries were followed since the start, to notice what no single one of them can do.
 *
 * @internal
 */
export class HistoryGuard {
  #followed: Pick<Greeting, 'historyId' | 'name'> | undefined;
  /** Processes that were followed before it, and their histories. */
  readonly #left = new Map<string, string>();
  #agreedWith: string | undefined;

  constructor(private readonly url: string) {}

  /**
   * Judges a primary before it is followed.
   *
   * @returns what has to be told, although the primary is followed
   * @throws {HC_SUPERSEDED | HC_TWO_PRIMARIES} when its history must not take the place of the one that is held
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
      // Its file was open all the time: it has not come back, it was never gone.
      if (this.#left.get(name) === historyId) throw this.#inTurn(greeting);
      return undefined;
    }
    const isBehind = greeting.revision < position.revision && greeting.epoch <= position.epoch;
    if (greeting.resumes || (!isBehind && !greeting.isCopy)) return undefined;
    return new TwoPrimariesError(
      `${name} at ${this.url} claims history ${historyId} up to revision ${greeting.revision}, but ${this.#followed?.name ?? 'the primary that this node has followed before'} has brought it to revision ${position.revision} in ${greeting.isCopy ? 'an epoch that it does not know' : 'the same epoch'}.`,
      'They run on copies of one directory: stop one of them. Restore copies only from a backup, which begins a new history.',
    );
  }

  /** This one is followed from now on. */
  follow({ historyId, name }: Pick<Greeting, 'historyId' | 'name'>): void {
    if (this.#followed !== undefined && this.#followed.name !== name) {
      this.#left.set(this.#followed.name, this.#followed.historyId);
      // Processes come and go; two that take turns are among the last few.
      for (const [oldest] of this.#left) if (this.#left.size > 16) this.#left.delete(oldest);
    }
    this.#left.delete(name);
    this.#followed = { historyId, name };
  }

  /** A part of what is held was compared, and is the same. */
  agree(): void {
    this.#agreedWith = this.#followed?.name;
  }

  /** It is not the same. Undefined when nothing speaks for a second primary. */
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
      'Let primaryUrl lead to one primary alone, past any load balancer, and stop the other.',
    );
  }
}
