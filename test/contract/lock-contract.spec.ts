import { useDirectClusters } from '../support/clusters.js';
import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';
import { describeLockContract } from './lock-contract.js';

const start = useNodes();
const clusters = useDirectClusters();

describeLockContract('on a primary', async ({ isRealTime = false, options = {} } = {}) => {
  const clock = new ManualClock();
  const node = await start(options, isRealTime ? {} : { clock });
  return { cache: hyperCacheOn(node), decider: node, advance: (ms) => clock.advance(ms) };
});

describeLockContract('on a secondary', async ({ isRealTime = false, options = {} } = {}) => {
  const clock = new ManualClock();
  const environment = isRealTime ? {} : { clock };
  const primary = await clusters.primary(options, environment);
  const { node } = await clusters.secondary(primary, options, environment);
  return { cache: hyperCacheOn(node), decider: primary, advance: (ms) => clock.advance(ms) };
});
