import { Injectable } from '@nestjs/common';
import { HyperCache, type CacheCounters } from 'nestjs-hypercache';

/** The response header that names the layer that answered. */
export const CACHE_LAYER_HEADER = 'X-Cache-Layer';

/** Memory, the file, or neither. */
export type CacheLayer = 'l1' | 'l2' | 'origin';

export interface Answer<T> {
  value: T;
  layer: CacheLayer;
}

/** Finds which layer answered a read. An application does not need this; the replay uses it for its report. */
@Injectable()
export class CacheLayerService {
  constructor(private readonly cache: HyperCache) {}

  /**
   * Runs one read of the cache between two readings of its counters. On a single node both layers are looked
   * up, and the counters read, before anything is awaited: no other request can come in between.
   */
  async observe<T>(read: () => Promise<T>): Promise<Answer<T>> {
    const [before, value, after] = await Promise.all([this.#counters(), read(), this.#counters()]);
    return { value, layer: layerBetween(before, after) };
  }

  async #counters(): Promise<CacheCounters | undefined> {
    const { caches } = await this.cache.stats();
    return caches[this.cache.namespace];
  }
}

function layerBetween(
  before: CacheCounters | undefined,
  after: CacheCounters | undefined,
): CacheLayer {
  if (before?.l1Hits !== after?.l1Hits) return 'l1';
  return before?.l2Hits === after?.l2Hits ? 'origin' : 'l2';
}
