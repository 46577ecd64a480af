import { InvalidArgumentError } from '../index.js';
import { formatCount } from './format.js';
import type { InspectorContext } from './inspector-context.js';
import { listingOf } from './listing.js';

/** A ttl that a lock handle requires, and that nothing uses. */
const UNUSED_TTL_MS = 1000;

/** Changes something. Resolves to the message for the page. */
type Action = (context: InspectorContext, query: URLSearchParams) => Promise<string>;

/** The actions of the pages, by name. @internal */
export const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  [
    'delete',
    async (context, query) => {
      const key = required(query, 'key');
      const wasThere = await cacheOf(context, query).delete(key);
      return wasThere ? `The entry ${key} is deleted.` : `There was no entry ${key}.`;
    },
  ],
  [
    'clear',
    async (context, query) => {
      const cache = cacheOf(context, query);
      const deleted = await cache.clear();
      return `The namespace ${cache.namespace} is cleared: ${formatCount(deleted)} entries.`;
    },
  ],
  [
    'expire-tag',
    async (context, query) => {
      const expired = await cacheOf(context, query).expireTag(required(query, 'tag'));
      return `Expired: ${formatCount(expired)} entries.`;
    },
  ],
  [
    'delete-tag',
    async (context, query) => {
      const deleted = await cacheOf(context, query).deleteTag(required(query, 'tag'));
      return `Deleted: ${formatCount(deleted)} entries.`;
    },
  ],
  [
    'release',
    async ({ cache }, query) => {
      const name = required(query, 'name');
      const options = { ttl: UNUSED_TTL_MS };
      const lock =
        query.get('kind') === 'semaphore'
          ? cache.semaphore(name, { ...options, limit: 1 })
          : cache.lock(name, options);
      const wasHeld = await lock.forceRelease();
      return wasHeld ? `${name} is released.` : `${name} was no longer held.`;
    },
  ],
]);

function cacheOf({ node }: InspectorContext, query: URLSearchParams) {
  const namespace = required(query, 'namespace');
  // A namespace must not come into being just because a request names it.
  if (listingOf(node).names().includes(namespace)) return node.cache(namespace);
  throw new InvalidArgumentError(`There is no namespace ${namespace}.`, 'Reload the page.');
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value !== null) return value;
  throw new InvalidArgumentError(`The action names no ${name}.`, 'Reload the page.');
}
