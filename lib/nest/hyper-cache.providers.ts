import { HttpException, Logger, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { InvalidOptionsError } from '../common/errors.js';
import { createCacheManagerCache } from '../keyv/cache-manager-cache.js';
import { createNode } from '../node/create-node.js';
import type { HyperCacheNode } from '../node/hyper-cache-node.js';
import type { HyperCacheOptions, ResolvedOptions } from '../node/options.js';
import { directoryOf } from '../node/node-place.js';
import { resolveOptions } from '../node/resolve-options.js';
import type { PrimaryClient } from '../cluster/wire/primary-client.js';
import { importAxios } from './client/load-http-service.js';
import { assertPoliciesOf } from './declared-policies.js';
import { HttpPrimaryClient } from './http-primary-client.js';
import {
  getHyperCacheToken,
  HYPERCACHE_ENVIRONMENT,
  type HyperCacheEnvironment,
  HYPERCACHE_NODE,
  HYPERCACHE_OPTIONS,
  RESOLVED_OPTIONS,
} from './hyper-cache.constants.js';
import type { HyperCacheFeatureOptions } from './hyper-cache.module-definition.js';
import { HyperCache } from './hyper-cache.service.js';
import { checkedFeature, checkReturned } from './module-arguments.js';
import { startNode } from './starting-node.js';

/** Empty, unless a test overrides it. @internal */
export const environmentProvider: Provider = {
  provide: HYPERCACHE_ENVIRONMENT,
  useValue: {} satisfies HyperCacheEnvironment,
};

/** The options, validated once for all that need them. @internal */
export const optionsProvider: Provider = {
  provide: RESOLVED_OPTIONS,
  useFactory: (
    options: HyperCacheOptions | undefined,
    environment: HyperCacheEnvironment,
  ): ResolvedOptions => {
    const resolved = resolveOptions(options);
    checkReturned(options);
    return environment.options?.(resolved) ?? resolved;
  },
  inject: [HYPERCACHE_OPTIONS, HYPERCACHE_ENVIRONMENT],
};

/** The node of the application. It starts before any injection. @internal */
export const nodeProvider: Provider = {
  provide: HYPERCACHE_NODE,
  useFactory: async (
    options: ResolvedOptions,
    application: ModulesContainer,
    environment: HyperCacheEnvironment,
  ): Promise<HyperCacheNode> => {
    assertPoliciesOf(application, Object.keys(options.policies));
    const { createNode: create = createNode, primaryClient = httpClient } = environment;
    // Missing packages are an error of the start, not of the first request.
    if (options.role === 'secondary' && primaryClient === httpClient) await importAxios();
    const logger = new Logger('HyperCache');
    const wrap = { graceOn: isNoAnswer, ...options.wrap };
    const node = create({ ...options, wrap }, { logger, primaryClient });
    await startNode(directoryOf(options), node, application);
    return node;
  },
  inject: [RESOLVED_OPTIONS, ModulesContainer, HYPERCACHE_ENVIRONMENT],
};

/** The default cache, under the tokens that Nest applications already use. @internal */
export const cacheProviders: Provider[] = [
  {
    provide: HyperCache,
    useFactory: (node: HyperCacheNode, { namespace }: ResolvedOptions) =>
      new HyperCache(node, node.cache(namespace)),
    inject: [HYPERCACHE_NODE, RESOLVED_OPTIONS],
  },
  {
    provide: CACHE_MANAGER,
    useFactory: (node: HyperCacheNode, { namespace }: ResolvedOptions) =>
      createCacheManagerCache(node.cache(namespace), () => node.flush()),
    inject: [HYPERCACHE_NODE, RESOLVED_OPTIONS],
  },
  { provide: Cache, useExisting: CACHE_MANAGER },
];

/**
 * A named cache.
 *
 * @throws {HC_OPTIONS_INVALID}
 * @internal
 */
export function featureProvider(options: HyperCacheFeatureOptions): Provider {
  const { name, namespace, ttl, wrap } = checkedFeature(options);
  return {
    provide: getHyperCacheToken(name),
    useFactory: (node: HyperCacheNode) => {
      assertAlike(node, name, [namespace, ttl, wrap]);
      const cache = node.cache(namespace, ttl);
      return new HyperCache(node, wrap === undefined ? cache : cache.withPolicy(wrap));
    },
    inject: [HYPERCACHE_NODE],
  };
}

/** A 404 is a valid answer of the origin and no failure. */
const isNoAnswer = (error: unknown): boolean =>
  !(error instanceof HttpException && error.getStatus() < 500);

/** Namespace and ttl by name. */
const features = new WeakMap<HyperCacheNode, Map<string, string>>();

/** One name means one cache wherever it is injected. */
function assertAlike(node: HyperCacheNode, name: string, options: readonly unknown[]): void {
  const known = features.get(node) ?? new Map<string, string>();
  features.set(node, known);
  const given = JSON.stringify(options);
  if ((known.get(name) ?? given) !== given) {
    throw new InvalidOptionsError([
      {
        option: `forFeature({ name: '${name}' })`,
        value: 'given twice, with another ttl, namespace or policy',
        instead: 'write it once and import that module, or give each its own name',
      },
    ]);
  }
  known.set(name, given);
}

function httpClient({
  primaryUrl = '',
  path,
  apiToken: [token = ''],
  adminToken: [adminToken],
  signRequests,
  timeout: timeoutMs,
}: ResolvedOptions): PrimaryClient {
  const url = primaryUrl;
  return new HttpPrimaryClient({ url, path, token, adminToken, signRequests, timeoutMs });
}
