import { FencedError } from '../common/errors.js';
import type { SetCommand } from '../engine/command.js';
import type { Commands } from './redis-link.js';
import { CHECK_FENCE } from './scripts/store.js';
import type { Space } from './space.js';

/** @internal */
export interface FencingParts {
  readonly commands: Commands;
  /** The keys that decide whether a write under a lock is allowed. */
  readonly keysOf: (lock: string) => readonly string[];
  /** Whether those keys are in another slot than the entries. */
  readonly isElsewhere: boolean;
}

/** How a script compares the token of a write. @internal */
export interface Fence {
  readonly mode?: 'fenced';
  readonly keys: readonly string[];
  /** The lock, when its keys are in another slot. */
  readonly lock: string;
  /** What must succeed before. */
  readonly after: Promise<void> | undefined;
}

const NONE: Fence = { keys: [], lock: '', after: undefined };

/**
 * Refuses writes under a lock that has been granted again. In a cluster the lock is in another slot, so two steps decide: the lock
 * is looked at first, and then the bucket of the entry compares the token with those that have written there.
 *
 * @internal
 */
export class Fencing {
  constructor(private readonly parts: FencingParts) {}

  /** Sends its command before it returns. */
  of(space: Space, fence: SetCommand['fence']): Fence {
    if (fence === undefined) return NONE;
    const { name, token } = fence;
    const keys = this.parts.keysOf(name);
    if (!this.parts.isElsewhere) return { ...NONE, keys };
    const after = this.#check(keys, name, token);
    return { mode: 'fenced', keys: [space.keys.tokens], lock: name, after };
  }

  async #check(keys: readonly string[], name: string, token: number): Promise<void> {
    const isFenced = await this.parts.commands.run(CHECK_FENCE, keys, [String(token)]);
    if (isFenced === 1) throw new FencedError(name, token);
  }
}
