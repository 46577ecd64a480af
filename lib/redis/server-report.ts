import { Backoff } from '../common/backoff.js';
import { systemClock } from '../common/clock.js';
import { systemRandom } from '../common/random.js';
import { ClientLink } from './client-link.js';
import { openClient } from './open-client.js';
import { enrol, factsOf, probe } from './probe.js';
import { RedisKeys } from './redis-keys.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import { SCRIPTS } from './scripts.js';

/** What an operator needs to know about a server. @internal */
export interface ServerReport {
  /** Such as `'redis 7.0.15'`. */
  readonly server: string;
  /** Such as `'volatile-lru'`. */
  readonly policy: string;
  /** Bytes; 0 when there is no bound. */
  readonly maxMemory: number;
  readonly persistence: 'appendonly' | 'snapshots' | 'none';
  /** The round trip of one request, in ms. */
  readonly roundTripMs: number;
}

/**
 * Connects as a node does, reads the facts, and disconnects.
 *
 * @throws {HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING}
 * @internal
 */
export async function reportOnServer(options: ResolvedRedisOptions): Promise<ServerReport> {
  const keys = new RedisKeys(options.prefix);
  let server = '';
  const link = new ClientLink({
    timeoutMs: options.timeout,
    backoff: new Backoff(systemRandom, options.timeout, options.timeout),
    connect: () => openClient(options),
    prepare: async (session) => {
      ({ server } = await probe(session, keys, { scripts: SCRIPTS }));
      const { buckets } = options;
      await enrol(session, keys, { random: systemRandom, buckets, byDefault: 1 });
    },
    onFailure: () => undefined,
  });
  await link.start();
  try {
    const began = systemClock.monotonic();
    await link.call(['TIME']);
    const roundTripMs = systemClock.monotonic() - began;
    const facts = factsOf(await link.call(['INFO']));
    const hasLog = facts.get('aof_enabled') === '1';
    const hasSaved = Number(facts.get('rdb_saves') ?? 0) > 0;
    return {
      server,
      policy: facts.get('maxmemory_policy') ?? '',
      maxMemory: Number(facts.get('maxmemory') ?? 0),
      persistence: hasLog ? 'appendonly' : hasSaved ? 'snapshots' : 'none',
      roundTripMs,
    };
  } finally {
    link.close();
  }
}
