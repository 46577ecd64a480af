import fc, { draws } from '../../support/fast-check.js';
import { rmSync } from 'node:fs';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { makeTemporaryDirectory } from '../../support/temporary-directory.js';
import { ModelRun } from './model-run.js';
import type { Step } from './steps.js';
import { SystemUnderTest, type ModelledSystem } from './system-under-test.js';

/** Holds runs on one node, each in namespaces of its own, against the model. */
export async function checkRuns(
  options: HyperCacheOptions,
  steps: fc.Arbitrary<Step[]>,
  {
    runs,
    evicts = false,
    System = SystemUnderTest,
  }: {
    runs: number;
    evicts?: boolean;
    System?: new (root: string, options: HyperCacheOptions) => ModelledSystem;
  },
): Promise<void> {
  const root = makeTemporaryDirectory();
  const system = new System(root, options);
  const allowances = {
    relaxed: options.durability === 'relaxed',
    shares: options.isolation === 'share',
    evicts,
  };
  let count = 0;
  await system.start();
  try {
    await fc.assert(
      fc.asyncProperty(steps, async (some) => {
        const modelRun = new ModelRun(system, `run ${count++}`, allowances);
        for (const step of some) await modelRun.perform(step);
        await modelRun.finish();
      }),
      draws(runs),
    );
  } finally {
    await system.stop();
    rmSync(root, { recursive: true, force: true });
  }
}
