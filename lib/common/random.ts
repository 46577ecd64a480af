import { randomBytes } from 'node:crypto';

/**
 * The only source of randomness, so that tests can repeat a run.
 *
 * @internal
 */
export interface Random {
  /** `bytes` random bytes as lower-case hexadecimal, from the system's CSPRNG. */
  hex(bytes: number): string;
}

/** @internal */
export const systemRandom: Random = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};
