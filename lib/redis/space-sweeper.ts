import { HyperCacheError } from '../common/errors.js';
import { allOf, fanOut } from './fan-out.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';
import { SWEEP } from './scripts/sweep.js';
import type { Space } from './space.js';

/** The pause between two sweeps, in ms. One of all nodes makes each sweep. */
const INTERVAL_MS = 30_000;

/** A step that removed this many is followed by another one immediately. */
const FULL_STEP = 500;

/** @internal */
export interface SpaceSweeperParts {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  /** The spaces that this node uses. */
  readonly spaces: () => Iterable<Space>;
  readonly report: (error: HyperCacheError, during: string) => void;
}

/**
 * Removes from the server what no time to live removes. A key on the server decides which node does so for the next period.
 *
 * @internal
 */
export class SpaceSweeper {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: SpaceSweeperParts) {}

  start(): void {
    this.#timer = setTimeout(() => {
      this.sweep()
        .catch((error: unknown) => {
          if (error instanceof HyperCacheError) this.parts.report(error, 'sweeping the server');
        })
        .finally(() => {
          if (this.#timer !== undefined) this.start();
        });
    }, INTERVAL_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** @returns how many entries and tags it removed */
  async sweep(): Promise<number> {
    const { link, keys } = this.parts;
    if (link.state !== 'open') return 0;
    const outcomes = await fanOut(Array.from(this.parts.spaces()), async (space) => {
      const turn = `${keys.layout}:sweep:${space.keys.prefix}`;
      const isOurs = await link.call(['SET', turn, '1', 'NX', 'PX', String(INTERVAL_MS - 1000)]);
      return isOurs === null ? 0 : this.#sweepSpace(space);
    });
    return allOf(outcomes).reduce((sum, gone) => sum + gone, 0);
  }

  async #sweepSpace({ keys }: Space): Promise<number> {
    let gone = 0;
    for (let at = 0, isOver = false; !isOver;) {
      const reply = await this.parts.link.run(
        SWEEP,
        [keys.keptIndex, keys.tagIndex],
        [keys.prefix, String(at)],
      );
      const [removed = 0, next = 0, ended = 0] = Array.isArray(reply) ? reply.map(Number) : [];
      gone += removed;
      at = next;
      isOver = next === 0 && ended < FULL_STEP;
    }
    return gone;
  }
}
