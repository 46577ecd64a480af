import { CacheKey } from '@nestjs/cache-manager';
import { applyDecorators } from '@nestjs/common';
import { HttpCache } from '../http-cache/http-cache.options.js';

/** Keeps a `CacheInterceptor` of the host, or ours, from caching the handler's answers. @internal */
export function Uncached(): MethodDecorator {
  // No key means no caching, although the type does not show that.
  return applyDecorators(CacheKey((() => undefined) as unknown as () => string), HttpCache(false));
}
