import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const DOCUMENT = join(import.meta.dirname, '../../docs/redis.md');
const PASSWORD = 'a-long-random-password';

/** The rights that docs/redis.md gives the user of a cache. */
export function documentedRights(): string[] {
  const [, rights] =
    /^ACL SETUSER hypercache on >\S+ (.+)$/m.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  if (rights === undefined) throw new Error('docs/redis.md has no line ACL SETUSER.');
  return rights.split(' ');
}

/**
 * The arguments of redis-cli that make this user.
 *
 * @param prefix a pattern for the prefixes of the keys that it may use
 */
export function aclSetUser(prefix: string, rights = documentedRights()): string[] {
  const keys = rights.map((right) => (right.startsWith('~') ? right.replace('hc', prefix) : right));
  return ['ACL', 'SETUSER', 'hypercache', 'on', `>${PASSWORD}`, ...keys];
}

/** The url of a server, as this user. */
export function asDocumentedUser(url: string): string {
  return url.replace('redis://', `redis://hypercache:${PASSWORD}@`);
}
