import { ClosedError } from '../common/errors.js';
import { assertKey, assertNamespace } from '../common/keys.js';
import { CapabilityAbsentError } from '../common/server-errors.js';
import type { EngineOption } from '../engine/engine-option.js';
import type { ChangesPage, ListedEntry, ListingPage } from '../engine/listing.js';
import type { LockInfo } from '../locks/lock-factory.js';
import { createNode } from '../node/create-node.js';
import type { DeadLetterInfo, HyperCacheNode, NodeCache } from '../node/hyper-cache-node.js';
import { resolveOptions } from '../node/resolve-options.js';
import { RedisEngine } from '../redis/redis-engine.js';
import { resolveRedisOptions } from '../redis/redis-options.js';
import type { Expired, Namespace, Target, TargetWrite } from './target.js';

const DEFAULT_NAMESPACE = 'default';
/** The largest value that any node may accept, in bytes. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;
/** A ttl that a lock handle requires, and that nothing uses. */
const UNUSED_TTL_MS = 1000;

/** @internal */
export interface RedisTargetOptions {
  readonly url: string;
  /** The prefix of all keys of the cache. @default 'hc' */
  readonly prefix: string | undefined;
  readonly timeoutMs: number;
}

/**
 * A Redis or Valkey server, through a separate node in addition to those of the applications.
 *
 * @internal
 */
export class RedisTarget implements Target {
  private constructor(
    private readonly node: HyperCacheNode,
    private readonly engine: RedisEngine,
  ) {}

  /** @throws {HC_OPTIONS_INVALID | HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING} */
  static async open({ url, prefix, timeoutMs }: RedisTargetOptions): Promise<RedisTarget> {
    const timeout = timeoutMs;
    const options = {
      ...resolveRedisOptions({ url, prefix, timeout, connectTimeout: timeout }, {}),
      // The number that the applications have chosen.
      buckets: undefined,
    };
    let made: RedisEngine | undefined;
    const engine: EngineOption = {
      kind: 'redis',
      create: (parts) => (made = new RedisEngine(options, parts)),
    };
    const given = { engine, l1: false, logger: false, maxValueSize: MAX_VALUE_BYTES } as const;
    const node = createNode(resolveOptions(given, {}));
    await node.start();
    if (made === undefined) throw new ClosedError();
    return new RedisTarget(node, made);
  }

  async stats(): Promise<Record<string, unknown>> {
    const namespaces = await this.namespaces();
    const { engine } = this.engine.stats();
    return {
      ...engine,
      entries: namespaces.reduce((sum, { entries }) => sum + entries, 0),
      namespaces: Object.fromEntries(namespaces.map(({ name, entries }) => [name, entries])),
      locksHeld: (await this.locks()).length,
    };
  }

  namespaces(): Promise<readonly { name: string; entries: number }[]> {
    return this.engine.listing.namespaces();
  }

  page(request: Parameters<Target['page']>[0]): Promise<ListingPage> {
    return this.engine.listing.page({ ...request, namespace: nameOf(request.namespace) });
  }

  async find(namespace: Namespace, key: string): Promise<ListedEntry | undefined> {
    assertKey(key);
    return this.engine.listing.find(nameOf(namespace), key);
  }

  async store(namespace: Namespace, writes: readonly TargetWrite[]): Promise<void> {
    await this.#cache(namespace).mset(writes);
  }

  delete(namespace: Namespace, key: string): Promise<boolean> {
    return this.#cache(namespace).delete(key);
  }

  deletePrefix(namespace: Namespace, prefix: string): Promise<number> {
    return this.#cache(namespace).deletePrefix(prefix);
  }

  deleteTag(namespace: Namespace, tag: string): Promise<number> {
    return this.#cache(namespace).deleteTag(tag);
  }

  clear(namespace: Namespace): Promise<number> {
    return this.#cache(namespace).clear();
  }

  async expire(namespace: Namespace, what: Expired): Promise<number> {
    const cache = this.#cache(namespace);
    if ('key' in what) return (await cache.expire(what.key)) ? 1 : 0;
    return 'prefix' in what ? cache.expirePrefix(what.prefix) : cache.expireTag(what.tag);
  }

  locks(): Promise<readonly LockInfo[]> {
    return this.node.locks.list();
  }

  async releaseLock(name: string): Promise<boolean> {
    assertKey(name, 'name');
    const { locks } = this.node;
    const ttl = UNUSED_TTL_MS;
    const isLock = await locks.lock(name, { ttl }).forceRelease();
    const isSemaphore = await locks.semaphore(name, { ttl, limit: 1 }).forceRelease();
    return isLock || isSemaphore;
  }

  async head(): Promise<number> {
    throw noLog();
  }

  async changes(): Promise<ChangesPage> {
    throw noLog();
  }

  /** Without an outbox, no accepted write is refused later. */
  async deadLetters(): Promise<readonly DeadLetterInfo[]> {
    return [];
  }

  close(): Promise<void> {
    return this.node.close();
  }

  #cache(namespace: Namespace): NodeCache {
    return this.node.cache(nameOf(namespace));
  }
}

/** @throws {HC_ARGUMENT_INVALID} */
function nameOf(namespace: Namespace = DEFAULT_NAMESPACE): string {
  assertNamespace(namespace);
  return namespace;
}

function noLog(): CapabilityAbsentError {
  return new CapabilityAbsentError(
    'This engine keeps no log of changes.',
    'Listen to the events of an application instead.',
  );
}
