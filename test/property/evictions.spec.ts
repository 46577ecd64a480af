import { describe, it } from '@jest/globals';
import { checkRuns } from './model/check-runs.js';
import { run } from './model/steps.js';
import { L1_SIZES } from './model/variants.js';

const VARIANTS = L1_SIZES.flatMap(({ name, l1 }) =>
  (['normal', 'relaxed'] as const).map((durability) => ({
    name: `${name}, durability '${durability}'`,
    options: { l1, durability, maxEntries: 12 },
  })),
);

describe('a cache with too little room loses entries, but never has a wrong or an older one', () => {
  it.each(VARIANTS)('$name', async ({ options }) => {
    await checkRuns(options, run, { runs: 12, evicts: true });
  });
});
