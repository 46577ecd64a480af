import { CACHE_LAYER_HEADER, type CacheLayer } from '../cache-layer/cache-layer.service.js';
import type { HttpClient } from './http-client.js';

export const LAYERS: readonly CacheLayer[] = ['l1', 'l2', 'origin'];

/** What came back, in milliseconds by layer. */
export class LoadResult {
  readonly latencies: Record<CacheLayer, number[]> = { l1: [], l2: [], origin: [] };
  /** Messages of what went wrong, and how often. */
  readonly errors = new Map<string, number>();
  /** The first answer of all. */
  first: { layer: CacheLayer; ms: number } | undefined;
  /** How often the catalog was read meanwhile; requests for the same page at the same time share one read. */
  originReads = 0;
  seconds = 0;

  get answered(): number {
    return LAYERS.reduce((sum, layer) => sum + this.latencies[layer].length, 0);
  }

  get failed(): number {
    return Array.from(this.errors.values()).reduce((sum, count) => sum + count, 0);
  }
}

/**
 * Requests the page of each product, in order, with a fixed number of requests in flight: each answer makes room for
 * the next request.
 *
 * @param onProgress receives how many are done, after each
 */
export async function sendAll(
  client: HttpClient,
  products: Uint32Array,
  concurrency: number,
  onProgress: (done: number) => void,
): Promise<LoadResult> {
  const result = new LoadResult();
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < products.length) {
      const product = products[next++] ?? 0;
      try {
        const sentAt = performance.now();
        const layer = await requestPage(client, product);
        const ms = performance.now() - sentAt;
        result.latencies[layer].push(ms);
        result.first ??= { layer, ms };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        result.errors.set(message, (result.errors.get(message) ?? 0) + 1);
      }
      onProgress(++done);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  result.seconds = (performance.now() - startedAt) / 1000;
  return result;
}

/** @throws when the answer is not that product's page */
async function requestPage(client: HttpClient, product: number): Promise<CacheLayer> {
  const { status, headers, body } = await client.get(`/products/${product}`);
  if (status !== 200) throw new Error(`status ${status}`);
  if (!body.startsWith(`{"id":${product},`)) throw new Error('the page of another product');
  const layer = LAYERS.find((name) => name === headers[CACHE_LAYER_HEADER.toLowerCase()]);
  if (layer === undefined) throw new Error(`no ${CACHE_LAYER_HEADER}`);
  return layer;
}
