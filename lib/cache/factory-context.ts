import type { Duration } from '../common/duration.js';
import { InvalidArgumentError, InvalidTtlError } from '../common/errors.js';
import { MAX_TAGS } from '../common/limits.js';
import { assertKey } from '../common/keys.js';
import {
  checkedMs,
  endlessWindow,
  isEndless,
  readTtl,
  windowOf,
  type WrapContext,
} from './policy.js';
import type { Adapted } from './wrap-options.js';

const FIELDS = ['ttl', 'stale', 'grace', 'tags'];

/** The entry that a new value replaces. @internal */
export interface Replaced {
  readonly value: unknown;
  readonly staleSince: number;
}

/** What one call of a factory receives, and what the factory has set. Its methods need no `this`. @internal */
export class FactoryContext implements WrapContext<unknown> {
  adapted: Adapted = {};
  isSkipped = false;
  #hasEnded = false;

  constructor(
    readonly key: string,
    readonly reason: WrapContext<unknown>['reason'],
    readonly stale: Replaced | undefined,
    private readonly flight: { readonly signal: AbortSignal },
  ) {}

  get signal(): AbortSignal {
    return this.flight.signal;
  }

  readonly set = (options: Adapted): void => {
    this.#assertRunning('set');
    for (const name in options) {
      if (FIELDS.includes(name)) continue;
      throw new InvalidArgumentError(
        `The context of a factory cannot set '${name}'.`,
        `Set ${FIELDS.join(', ')}.`,
      );
    }
    const { ttl, stale, grace, tags } = options;
    if (ttl !== undefined) checkTtl(ttl);
    if (windowOf({ stale, grace }) > 0 && isEndless(ttl)) throw endlessWindow();
    this.adapted = {
      ttl: ttl ?? this.adapted.ttl,
      stale: stale ?? this.adapted.stale,
      grace: grace ?? this.adapted.grace,
      tags: tags === undefined ? this.adapted.tags : [...checkedTags(tags)],
    };
  };

  readonly skip = (): void => {
    this.#assertRunning('skip');
    this.isSkipped = true;
  };

  readonly unchanged = (): unknown => {
    this.#assertRunning('unchanged');
    if (this.stale !== undefined) return this.stale.value;
    throw new InvalidArgumentError(
      `There was no value under '${this.key}' to keep.`,
      'Ask ctx.stale first: it is undefined when the factory has to make the value.',
    );
  };

  /** Later calls to the context would change nothing. */
  end(): void {
    this.#hasEnded = true;
  }

  #assertRunning(method: string): void {
    if (!this.#hasEnded) return;
    throw new InvalidArgumentError(
      `The factory of '${this.key}' has ended: ${method}() of its context changes nothing any more.`,
      'Call it before the factory returns, or before its promise resolves.',
    );
  }
}

function checkTtl(ttl: Duration): void {
  if (readTtl(ttl) < 0) throw new InvalidTtlError(ttl);
  checkedMs('ttl', ttl, Infinity);
}

/** @throws {HC_ARGUMENT_INVALID | HC_KEY_INVALID} @internal */
export function checkedTags(tags: readonly string[]): readonly string[] {
  if (!Array.isArray(tags) || tags.length > MAX_TAGS) {
    throw new InvalidArgumentError(
      Array.isArray(tags) ? `There are ${tags.length} tags.` : 'The tags are not an array.',
      `Pass an array of at most ${MAX_TAGS} strings.`,
    );
  }
  for (const tag of tags) assertKey(tag, 'tag');
  return tags;
}
