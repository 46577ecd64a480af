import fc from 'fast-check';

/** Multiplies the runs of each property: a long search. */
const SEARCH = Number(process.env['TEST_RUNS'] ?? 1);

/** Every `npm test` draws the same values: it fails for a change, not for a draw. `npm run test:search` draws others. */
const SEED = process.env['TEST_SEED'] ?? '1';

export function draws(count: number): { numRuns: number } {
  return { numRuns: count * SEARCH };
}

fc.configureGlobal({ ...(SEED === 'random' ? {} : { seed: Number(SEED) }), ...draws(100) });

export default fc;
