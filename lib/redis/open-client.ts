import { DependencyMissingError } from '../common/errors.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import type { RedisClient } from './session.js';

/**
 * Makes a client that is not yet connected. It neither reconnects nor queues by itself: each connection is its own session.
 *
 * @throws {HC_DEPENDENCY_MISSING}
 * @internal
 */
export async function openClient(options: ResolvedRedisOptions): Promise<RedisClient> {
  const { createClient, RESP_TYPES } = await importClient();
  const { url, username, password, connectTimeout, tls } = options;
  const client = createClient({
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    RESP: 3,
    // Turns tracking on: the server reports when a key changes that was read here.
    emitInvalidate: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // The documented user may not run CLIENT SETINFO.
    disableClientInfo: true,
    // Set for all calls, because options of a single call would be merged each time. We reject with our own timeouts, because
    // the client can take back only what it has not yet written.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: {
      ...(tls !== undefined && { ...tls, tls: true as const }),
      reconnectStrategy: false as const,
      connectTimeout,
    },
  });
  // The client's sendCommand() is generic; here it takes and returns the types of RESP.
  return client as unknown as RedisClient;
}

async function importClient() {
  try {
    return await import('@redis/client');
  } catch (cause) {
    throw new DependencyMissingError('@redis/client', 'The Redis engine', cause);
  }
}
