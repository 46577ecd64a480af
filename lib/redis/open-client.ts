import { DependencyMissingError } from '../common/errors.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import type { RedisClient } from './session.js';

/**
 * A client that is not yet connected. It neither connects again nor queues by itself: each connection is a session of its own.
 *
 * @throws {HC_DEPENDENCY_MISSING}
 * @internal
 */
export async function openClient(options: ResolvedRedisOptions): Promise<RedisClient> {
  const { createClient, RESP_TYPES } = await importClient();
  const { url, username, password, connectTimeout } = options;
  const client = createClient({
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    RESP: 3,
    // Turns tracking on: the server says when a key changes that was read here.
    emitInvalidate: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // For all calls: options of a single one would be merged for each. Our own timeouts reject, because the client's take back
    // only what was not yet written.
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    socket: { reconnectStrategy: false, connectTimeout },
  });
  // sendCommand() is generic in the client; here it takes and gives what RESP has.
  return client as unknown as RedisClient;
}

async function importClient() {
  try {
    return await import('@redis/client');
  } catch (cause) {
    throw new DependencyMissingError('@redis/client', 'The Redis engine', cause);
  }
}
