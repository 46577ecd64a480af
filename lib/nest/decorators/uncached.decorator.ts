import { CacheKey } from '@nestjs/cache-manager';
import { applyDecorators } from '@nestjs/common';
import { HttpCache } from '../http-cache/http-cache.options.js';

/** Keeps a `CacheInterceptor` of the host, or ours, from caching what a handler answers. @internal */
export function Uncached(): MethodDecorator {
  // No key means no caching, though the type does not say so.
  return applyDecorators(CacheKey((() => undefined) as unknown as () => string), HttpCache(false));
}
