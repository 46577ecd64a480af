import { DependencyMissingError } from '../common/errors.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import type { RedisClient } from './session.js';

/**
 * A client that is not yet connected. It neither connects again nor queues by itself: each connection is a session of its own.
 *
 * @throws {HC_DEPENDENCY_MISSING}
 * @internal
 */
export async function openClient(
  options: ResolvedRedisOptions,
): Promise<{ client: RedisClient; asBytes: object }> {
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
    // Ours reject; the client's take back only what was not yet written.
    commandOptions: { timeout: 0 },
    socket: { reconnectStrategy: false, connectTimeout },
  });
  const asBytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 };
  // sendCommand() is generic in the client; here it takes and gives what RESP has.
  return { client: client as unknown as RedisClient, asBytes };
}

async function importClient() {
  try {
    return await import('@redis/client');
  } catch (cause) {
    throw new DependencyMissingError('@redis/client', 'The Redis engine', cause);
  }
}
