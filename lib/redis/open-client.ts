import type { ConnectionOptions } from 'node:tls';
import { DependencyMissingError } from '../common/errors.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import type { Address, ResolvedSentinelOptions, SentinelOptions } from './sentinel-options.js';
import type { RedisClient } from './session.js';

/**
 * Makes a client that is not yet connected. It neither reconnects nor queues by itself: each connection is its own session.
 *
 * @param address where the server is, unless the url says it
 * @throws {HC_DEPENDENCY_MISSING}
 * @internal
 */
export async function openClient(
  options: ResolvedRedisOptions,
  address?: Address,
): Promise<RedisClient> {
  const { createClient, RESP_TYPES } = await importClient();
  const { url, username, password, connectTimeout, tls } = options;
  const client = createClient({
    ...(address === undefined && url !== undefined && { url }),
    ...loginOf({ username, password }),
    ...COMMON,
    RESP: 3,
    // Turns tracking on: the server reports when a key changes that was read here.
    emitInvalidate: true,
    // Set for all calls, because options of a single call would be merged each time. We reject with our own timeouts, because
    // the client can take back only what it has not yet written.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: socketOf(connectTimeout, tls, address),
  });
  // The client's sendCommand() is generic; here it takes and returns the types of RESP.
  return client as unknown as RedisClient;
}

/**
 * Makes a client of a Sentinel, which knows neither tracking nor all of RESP 3.
 *
 * @throws {HC_DEPENDENCY_MISSING}
 * @internal
 */
export async function openSentinel(
  { username, password, tls }: ResolvedSentinelOptions,
  address: Address,
  connectTimeout: number,
): Promise<RedisClient> {
  const { createClient } = await importClient();
  const client = createClient({
    ...loginOf({ username, password }),
    ...COMMON,
    RESP: 2,
    commandOptions: { timeout: 0 },
    socket: socketOf(connectTimeout, tls, address),
  });
  return client as unknown as RedisClient;
}

const COMMON = {
  disableOfflineQueue: true,
  maintNotifications: 'disabled',
  // The documented user may not run CLIENT SETINFO.
  disableClientInfo: true,
} as const;

function loginOf({ username, password }: Pick<SentinelOptions, 'username' | 'password'>) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
}

function socketOf(
  connectTimeout: number,
  tls: ConnectionOptions | undefined,
  address: Address | undefined,
) {
  return {
    ...(tls !== undefined && { ...tls, tls: true as const }),
    ...address,
    reconnectStrategy: false as const,
    connectTimeout,
  };
}

async function importClient() {
  try {
    return await import('@redis/client');
  } catch (cause) {
    throw new DependencyMissingError('@redis/client', 'The Redis engine', cause);
  }
}
