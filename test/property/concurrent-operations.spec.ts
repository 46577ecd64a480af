import { describe, it } from '@jest/globals';
import { checkRuns } from './model/check-runs.js';
import { concurrentRun } from './model/steps.js';
import { L1_SIZES } from './model/variants.js';

const VARIANTS = L1_SIZES.flatMap(({ name, l1 }) =>
  (['copy', 'share'] as const).flatMap((isolation) =>
    (['normal', 'relaxed'] as const).map((durability) => ({
      name: `${name}, isolation '${isolation}', durability '${durability}'`,
      options: { l1, isolation, durability },
    })),
  ),
);

describe('operations begun in one turn have the results of running them in this order', () => {
  it.each(VARIANTS)('$name', async ({ options }) => {
    await checkRuns(options, concurrentRun, { runs: 12 });
  });
});
