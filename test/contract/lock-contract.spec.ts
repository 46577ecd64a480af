import { describe } from '@jest/globals';
import { useDirectClusters } from '../support/clusters.js';
import { ENGINES } from '../support/engines.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';
import { describeSweeping } from './lock/names.js';
import { describeLockContract } from './lock-contract.js';

const clusters = useDirectClusters();

describe.each(ENGINES)('With the engine %s', (_name, make) => {
  const start = useNodes(make);

  describeLockContract('on a node', async ({ isRealTime = false, options = {} } = {}) => {
    const clock = new ManualClock();
    const node = await start(options, isRealTime ? {} : { clock });
    return { cache: hyperCacheOn(node), decider: node, advance: (ms) => clock.advance(ms) };
  });
});

const start = useNodes();

describeSweeping(async ({ options = {} } = {}) => {
  const node = await start(options);
  return { cache: hyperCacheOn(node), decider: node, advance: () => undefined };
});

describeLockContract('on a secondary', async ({ isRealTime = false, options = {} } = {}) => {
  const clock = new ManualClock();
  const environment = isRealTime ? {} : { clock };
  const primary = await clusters.primary(options, environment);
  const { node } = await clusters.secondary(primary, options, environment);
  return { cache: hyperCacheOn(node), decider: primary, advance: (ms) => clock.advance(ms) };
});
