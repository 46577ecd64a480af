import type { HyperCacheOptions } from '../../../lib/node/options.js';

/** Memory layers that behave differently. */
export const L1_SIZES: readonly { name: string; l1: HyperCacheOptions['l1'] }[] = [
  { name: 'with L1', l1: undefined },
  { name: 'with an L1 of three entries', l1: { maxEntries: 3, maxBytes: 16_384 } },
  { name: 'without L1', l1: false },
];
