import { describe, it } from '@jest/globals';
import { checkRuns } from './model/check-runs.js';
import { SecondaryUnderTest } from './model/secondary-under-test.js';
import { run } from './model/steps.js';
import { L1_SIZES } from './model/variants.js';

const VARIANTS = L1_SIZES.flatMap(({ name, l1 }) =>
  (['copy', 'freeze', 'share'] as const).flatMap((isolation) =>
    (['normal', 'relaxed'] as const).map((durability) => ({
      name: `${name}, isolation '${isolation}', durability '${durability}'`,
      options: { l1, isolation, durability },
    })),
  ),
);

describe('a cache does what a Map with deadlines does', () => {
  it.each(VARIANTS)('$name', async ({ options }) => {
    await checkRuns(options, run, { runs: 12 });
  });
});

const REPLICATED = L1_SIZES.flatMap(({ name, l1 }) =>
  (['copy', 'freeze', 'share'] as const).map((isolation) => ({
    name: `${name}, isolation '${isolation}'`,
    options: { l1, isolation },
  })),
);

describe('a cache of a secondary does what a Map with deadlines does', () => {
  it.each(REPLICATED)('$name', async ({ options }) => {
    await checkRuns(options, run, { runs: 12, System: SecondaryUnderTest });
  });
});
