import { Inject } from '@nestjs/common';
import type { AnyDefinition } from '../cache-definition.js';
import { rememberDefinition } from '../declared-policies.js';
import { cacheProviders } from '../hyper-cache.providers.js';
import { HyperCache } from '../hyper-cache.service.js';

const tokens = new WeakMap<AnyDefinition, symbol>();

/**
 * Injects the `TypedCache` of a definition in the application's default cache. For another cache, write
 * `definition.in(cache)`.
 *
 * @publicApi
 */
export function InjectCache(definition: AnyDefinition): ReturnType<typeof Inject> {
  const inject = Inject(tokenOf(definition));
  return (target: object, property: string | symbol | undefined, index?: number) => {
    inject(target, property, index as number);
    // Of a parameter of the constructor, the target is the class itself.
    rememberDefinition(typeof target === 'function' ? target : target.constructor, definition);
  };
}

/** Nest reads the providers of a module when it scans the module. By then, the classes are loaded that this decorates. */
function tokenOf(definition: AnyDefinition): symbol {
  const known = tokens.get(definition);
  if (known !== undefined) return known;
  const token = Symbol(
    `TypedCache '${definition.name}': import HyperCacheModule.forRoot() in the root module`,
  );
  tokens.set(definition, token);
  cacheProviders.push({
    provide: token,
    useFactory: (cache: HyperCache) => cache.typed(definition),
    inject: [HyperCache],
  });
  return token;
}
