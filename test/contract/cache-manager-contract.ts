import { describe } from '@jest/globals';
import type { Cache } from 'cache-manager';
import { useFrozenDate } from '../support/frozen-date.js';
import { describeEvents } from './cache-manager/events.js';
import { describeExpiry } from './cache-manager/expiry.js';
import { describeObject } from './cache-manager/object.js';
import { describeReadsAndWrites } from './cache-manager/reads-and-writes.js';
import { describeRefresh } from './cache-manager/refresh.js';
import { describeWrap } from './cache-manager/wrap.js';

/** What a cache under test is created with. */
export interface CacheOptions {
  /** Milliseconds; for the writes that give none. */
  readonly ttl?: number;
}

/** Creates an empty cache of the implementation under test. */
export type CreateCache = (options?: CacheOptions) => Promise<Cache>;

/**
 * What cache-manager 7 documents, and what of its behaviour applications rely on, as a specification of
 * the `Cache` object.
 */
export function describeCacheManagerContract(name: string, createCache: CreateCache): void {
  describe(`Cache, ${name}`, () => {
    useFrozenDate();

    describeReadsAndWrites(createCache);
    describeExpiry(createCache);
    describeWrap(createCache);
    describeRefresh(createCache);
    describeEvents(createCache);
    describeObject(createCache);
  });
}
