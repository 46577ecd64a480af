import { MAX_TIMER_MS } from '../common/limits.js';
import type { Random } from '../common/random.js';
import { CLAIM_MS, ClaimKeeper } from '../engine/claim-keeper.js';
import type { Claims, FilledEntry, HeldClaim, OwnClaim } from '../engine/claims.js';
import type { CommandOf } from '../engine/command.js';
import type { L2Entry, Observation } from '../engine/l2.js';
import type { Buckets } from './buckets.js';
import { readEntry, readHead, REVISION_AT } from './entry-format.js';
import { DIGITS, toDigits, type NumberFloor } from './numbers.js';
import { redisSeen, type RedisSeen } from './redis-l2.js';
import type { Commands } from './redis-link.js';
import { CLAIM, KEEP_CLAIM } from './scripts/claim.js';

const OWNER_BYTES = 16;

/** @internal */
export interface RedisClaimsParts {
  readonly commands: Commands;
  readonly floor: NumberFloor;
  readonly random: Random;
  /** Resolves when the server reports that the key has changed, or at the latest after the given time. */
  readonly changeOf: (serverKey: string, ms: number) => Promise<void>;
}

/**
 * Decides which callers may call the factories of one namespace. The claim is a marker in place of a missing entry, or a key
 * next to an existing one.
 *
 * @internal
 */
export class RedisClaims implements Claims {
  constructor(
    private readonly buckets: Buckets,
    private readonly parts: RedisClaimsParts,
  ) {}

  async claim(observed: Observation, isReplacing: boolean): Promise<OwnClaim | HeldClaim> {
    const owner = this.parts.random.hex(OWNER_BYTES);
    try {
      return await this.#ask(observed, isReplacing, owner);
    } catch {
      // A page must not fail because the server cannot be reached. Storing the result reports what is wrong.
      return this.#own(observed, undefined);
    }
  }

  async #ask(
    { seen }: Observation,
    isReplacing: boolean,
    owner: string,
  ): Promise<OwnClaim | HeldClaim> {
    const { key, tags } = seen;
    const { keys } = this.buckets.of(key);
    const { floor } = this.parts;
    // A change between the request and the reply ends the wait as well.
    const reply = await this.parts.commands.run(
      CLAIM,
      [keys.entry(key), keys.counter, keys.generation, keys.claim(key)],
      [
        String(floor.value),
        keys.prefix,
        markerOf(owner),
        owner,
        String(CLAIM_MS),
        isReplacing ? '1' : '0',
      ],
    );
    const [answer, second, bytes] = Array.isArray(reply) ? reply : [];
    if (String(answer) === 'held') {
      const ms = Math.max(1, Math.min(Number(second) + 1, MAX_TIMER_MS));
      return { isOurs: false, ended: () => this.parts.changeOf(keys.entry(key), ms) };
    }
    const last = floor.see(Number(second));
    const there = Buffer.isBuffer(bytes) ? bytes : undefined;
    const revision = there?.toString('latin1', REVISION_AT, REVISION_AT + DIGITS);
    const claimed = { claim: revision ?? markerOf(owner), last };
    const own: RedisSeen = { key, tags, revision: Number(revision ?? 0), claimed };
    const entry = there && readable(there);
    return this.#own({ entry, seen: own }, this.#keeperOf(own, owner));
  }

  #own(observed: Observation, keeper: ClaimKeeper | undefined): OwnClaim {
    const { key } = observed.seen;
    const { claimed } = redisSeen(observed.seen);
    const fillWith = (entry: FilledEntry): CommandOf<'fill'> => ({
      kind: 'fill',
      namespace: this.buckets.namespace,
      key,
      ...entry,
      seen: claimed?.last ?? 0,
      claim: claimed?.claim,
    });
    return {
      isOurs: true,
      observed,
      fillWith,
      fail: (retryAfterMs) => keeper?.keepFor(retryAfterMs),
      release: () => keeper?.end(),
    };
  }

  #keeperOf(seen: RedisSeen, owner: string): ClaimKeeper {
    const { keys } = this.buckets.of(seen.key);
    const keep = (how: 'renew' | 'release' | 'fail', ms: number): Promise<unknown> =>
      this.parts.commands.run(
        KEEP_CLAIM,
        [keys.entry(seen.key), keys.claim(seen.key)],
        [markerOf(owner), toDigits(seen.revision) + owner, how, String(Math.max(1, Math.ceil(ms)))],
      );
    return new ClaimKeeper({
      renew: (ms) => keep('renew', ms),
      keepFor: (ms) => keep('fail', ms),
      release: () => keep('release', 0),
    });
  }
}

/** An entry that cannot be read is replaced as if it were missing. */
function readable(bytes: Buffer): L2Entry | undefined {
  try {
    const head = readHead(bytes);
    return head && readEntry(bytes, head);
  } catch {
    return undefined;
  }
}

function markerOf(owner: string): string {
  return `C${owner}`;
}
