import { Inject } from '@nestjs/common';
import { getHyperCacheToken } from '../hyper-cache.constants.js';

/**
 * Injects the `HyperCache` of a name that `HyperCacheModule.forFeature` has registered.
 *
 * @publicApi
 */
export const InjectHyperCache = (name: string): ReturnType<typeof Inject> =>
  Inject(getHyperCacheToken(name));
