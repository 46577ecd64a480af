import { afterEach } from '@jest/globals';
import { Backoff } from '../../lib/common/backoff.js';
import { systemClock } from '../../lib/common/clock.js';
import { systemRandom } from '../../lib/common/random.js';
import { ClientLink } from '../../lib/redis/client-link.js';
import { openClient } from '../../lib/redis/open-client.js';
import { RedisKeys } from '../../lib/redis/redis-keys.js';
import { RedisLeases } from '../../lib/redis/redis-leases.js';
import { resolveRedisOptions } from '../../lib/redis/redis-options.js';
import type { RedisServer } from './redis-servers.js';

/** The leases of one node, and its connection. */
export interface LeasesOnServer {
  readonly link: ClientLink;
  readonly leases: RedisLeases;
  /** What no caller learned of. */
  readonly errors: unknown[];
}

export interface RedisLinks {
  /** @param timeoutMs for each answer */
  link(server: RedisServer, timeoutMs?: number): Promise<ClientLink>;
  leases(server: RedisServer, timeoutMs?: number): Promise<LeasesOnServer>;
}

export const KEYS = new RedisKeys('hc');

/** Connections that are closed after each test. */
export function useRedisLinks(): RedisLinks {
  const opened: { close(): void | Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0).toReversed()) await each.close();
  });
  const connect = async (server: RedisServer, timeoutMs = 20_000): Promise<ClientLink> => {
    const options = resolveRedisOptions({ url: server.url });
    const link = new ClientLink({
      timeoutMs,
      backoff: new Backoff(systemRandom, 10, 100),
      connect: () => openClient(options),
      prepare: async () => undefined,
      onFailure: () => undefined,
    });
    opened.push(link);
    await link.start();
    return link;
  };
  return {
    link: connect,
    leases: async (server, timeoutMs) => {
      const link = await connect(server, timeoutMs);
      const errors: unknown[] = [];
      const parts = {
        link,
        keys: KEYS,
        clock: systemClock,
        random: systemRandom,
        timeoutMs: 20_000,
        keepMs: 86_400_000,
      };
      const leases = new RedisLeases({ ...parts, onError: (error) => errors.push(error) });
      opened.push(leases);
      leases.start();
      return { link, leases, errors };
    },
  };
}
