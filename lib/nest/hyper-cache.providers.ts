import { Logger, type Provider } from '@nestjs/common';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { InvalidOptionsError, type OptionProblem } from '../common/errors.js';
import { createCacheManagerCache } from '../keyv/cache-manager-cache.js';
import { createNode } from '../node/create-node.js';
import type { HyperCacheNode } from '../node/hyper-cache-node.js';
import type { HyperCacheOptions, ResolvedOptions } from '../node/options.js';
import { resolveOptions } from '../node/resolve-options.js';
import type { PrimaryClient } from '../replication/primary-client.js';
import { importAxios } from './client/load-http-service.js';
import { HttpPrimaryClient } from './http-primary-client.js';
import {
  getHyperCacheToken,
  HYPERCACHE_NODE,
  HYPERCACHE_OPTIONS,
} from './hyper-cache.constants.js';
import type { HyperCacheFeatureOptions } from './hyper-cache.module-definition.js';
import { HyperCache } from './hyper-cache.service.js';

/** `forRoot` takes them out of its options; what is left comes from a factory, and too late. */
const BESIDE_FACTORY = ['isGlobal', 'controllerDecorators'] as const;

/** The node of the application, started before anything can be injected. @internal */
export const nodeProvider: Provider = {
  provide: HYPERCACHE_NODE,
  useFactory: async (options: HyperCacheOptions | undefined): Promise<HyperCacheNode> => {
    const resolved = resolveOptions(options);
    const misplaced = BESIDE_FACTORY.filter((option) => options?.[option] !== undefined);
    if (misplaced.length > 0) throw new InvalidOptionsError(misplaced.map(misplacedProblem));
    // Missing packages are a matter of the start, not of the first request.
    if (resolved.role === 'secondary') await importAxios();
    const node = createNode(resolved, { logger: new Logger('HyperCache'), primaryClient });
    await node.start();
    return node;
  },
  inject: [HYPERCACHE_OPTIONS],
};

/** The default cache, under the tokens that Nest applications already use. @internal */
export const cacheProviders: Provider[] = [
  {
    provide: HyperCache,
    useFactory: (node: HyperCacheNode, options: HyperCacheOptions) =>
      new HyperCache(node, node.cache(resolveOptions(options).namespace)),
    inject: [HYPERCACHE_NODE, HYPERCACHE_OPTIONS],
  },
  {
    provide: CACHE_MANAGER,
    useFactory: (node: HyperCacheNode, options: HyperCacheOptions) =>
      createCacheManagerCache(node.cache(resolveOptions(options).namespace), () => node.flush()),
    inject: [HYPERCACHE_NODE, HYPERCACHE_OPTIONS],
  },
  { provide: Cache, useExisting: CACHE_MANAGER },
];

/**
 * A named cache.
 *
 * @throws {HC_OPTIONS_INVALID}
 * @internal
 */
export function featureProvider({
  name,
  ttl,
  namespace = name,
}: HyperCacheFeatureOptions): Provider {
  if (!isText(name) || !isText(namespace)) {
    throw new InvalidOptionsError([
      {
        option: 'forFeature({ name, namespace })',
        value: 'not a non-empty string',
        instead: "write a name, such as forFeature({ name: 'sessions' })",
      },
    ]);
  }
  resolveOptions(ttl === undefined ? { namespace } : { namespace, ttl }, {});
  return {
    provide: getHyperCacheToken(name),
    useFactory: (node: HyperCacheNode) => new HyperCache(node, node.cache(namespace, ttl)),
    inject: [HYPERCACHE_NODE],
  };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function misplacedProblem(option: string): OptionProblem {
  return {
    option,
    value: 'returned by the factory of forRootAsync()',
    instead: 'write it beside useFactory, useClass or useExisting',
  };
}

function primaryClient({
  primaryUrl = '',
  path,
  apiToken,
  signRequests,
  timeout,
}: ResolvedOptions): PrimaryClient {
  const [token = ''] = apiToken;
  return new HttpPrimaryClient({ url: primaryUrl, path, token, signRequests, timeoutMs: timeout });
}
