import { StorageLostError, type HyperCacheError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';
import { MARK_LEASES } from './scripts/mark-leases.js';

const MARK_BYTES = 8;

/**
 * Detects that the server has lost all leases. The first node sets a random mark, which is lost when the server is emptied or
 * starts without its data.
 *
 * @internal
 */
export class LeaseMark {
  #known: string | undefined;
  #changes = 0;

  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly random: Random,
    private readonly onLoss: (cause: HyperCacheError) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** How often the mark came into doubt. A lease that was granted meanwhile must be requested again. */
  get changes(): number {
    return this.#changes;
  }

  /** Never fails: a check that cannot be made is made on the next link. */
  check(): void {
    this.#changes++;
    this.#compare().catch(this.onError);
  }

  async #compare(): Promise<void> {
    const mine = this.random.hex(MARK_BYTES);
    const found = String(await this.link.run(MARK_LEASES, [this.keys.lock('l')], [mine]));
    const known = this.#known;
    this.#known = found;
    if (known === undefined || known === found) return;
    this.onLoss(
      new StorageLostError(
        'The server has lost all locks: it was emptied, or it started without its data.',
        'Do not flush a server that is in use, and let it persist what it holds (appendonly yes).',
      ),
    );
  }
}
