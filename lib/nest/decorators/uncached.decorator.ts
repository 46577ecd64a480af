import { CacheKey } from '@nestjs/cache-manager';

/** Keeps a `CacheInterceptor` of the host from caching what a handler answers. @internal */
export function Uncached(): MethodDecorator {
  // No key means no caching, though the type does not say so.
  return CacheKey((() => undefined) as unknown as () => string);
}
