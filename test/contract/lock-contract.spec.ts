import { hyperCacheOn } from '../support/hyper-caches.js';
import { ManualClock } from '../support/manual-clock.js';
import { useNodes } from '../support/nodes.js';
import { describeLockContract } from './lock-contract.js';

const start = useNodes();

describeLockContract('on a primary', async ({ isRealTime = false, options = {} } = {}) => {
  const clock = new ManualClock();
  const node = await start(options, isRealTime ? {} : { clock });
  return { cache: hyperCacheOn(node), advance: (ms) => clock.advance(ms) };
});
