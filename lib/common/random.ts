import { randomFillSync } from 'node:crypto';

/**
 * The only source of randomness, so that tests can repeat a run.
 *
 * @internal
 */
export interface Random {
  /** `bytes` random bytes, at most 4096, as lower-case hexadecimal, from the system's CSPRNG. */
  hex(bytes: number): string;
}

/** Requested in one call, because a call of the generator costs as much as dozens of ids. */
const POOL_BYTES = 4096;

class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #used = POOL_BYTES;

  hex(bytes: number): string {
    if (this.#used + bytes > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += bytes;
    return this.#pool.toString('hex', start, this.#used);
  }
}

/** Random bytes from the generator of the system. @internal */
export const systemRandom: Random = new SystemRandom();
