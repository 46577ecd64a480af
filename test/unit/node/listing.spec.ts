import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../support/manual-clock.js';
import type { Listing, ListingPage } from '../../../lib/engine/listing.js';
import { useNodes } from '../../support/nodes.js';

describe('the listing of a node', () => {
  const start = useNodes();

  it('names the namespaces, and knows what each holds', async () => {
    const node = await start();
    const { listing } = node;
    const cache = (name: string) => node.cache(name);
    await cache('b').mset([
      { key: 'x', value: 1 },
      { key: 'y', value: 1 },
    ]);
    await cache('a').set('x', 1);
    await cache('b').delete('y');
    await cache('a').clear();

    expect(listing?.names()).toEqual(['a', 'b']);
    expect(['a', 'b', 'none'].map((name) => listing?.count(name))).toEqual([0, 1, 0]);
  });

  it('lists tags by prefix, page by page, with the entries that have them now', async () => {
    const node = await start();
    const { listing } = node;
    const cache = (name: string) => node.cache(name);
    const products = cache('products');
    for (let id = 0; id < 5; id++) await products.set(`p${id}`, id, { tags: ['all', `id:${id}`] });
    await products.set('p4', 4, { tags: ['id:4'] });
    await products.delete('p3');
    await cache('other').set('p0', 1, { tags: ['id:other'] });
    const page = (after: string, prefix = '') =>
      listing?.tags({ namespace: 'products', prefix, after, limit: 3 });

    expect(page('')).toEqual({
      tags: [
        { tag: 'all', entries: 3 },
        { tag: 'id:0', entries: 1 },
        { tag: 'id:1', entries: 1 },
      ],
      next: 'id:1',
    });
    expect(page('id:1')?.tags.filter(({ entries }) => entries > 0)).toEqual([
      { tag: 'id:2', entries: 1 },
      { tag: 'id:4', entries: 1 },
    ]);
    expect(page('', 'id:4')).toEqual({ tags: [{ tag: 'id:4', entries: 1 }], next: undefined });
    expect(page('', 'none')).toEqual({ tags: [], next: undefined });
    expect(listing?.tags({ namespace: 'none', prefix: '', after: '', limit: 3 }).tags).toEqual([]);
  });

  it('lists the entries of a tag, page by page', async () => {
    const node = await start();
    const { listing } = node;
    const cache = (name: string) => node.cache(name);
    const products = cache('products');
    for (let id = 0; id < 5; id++) await products.set(`p${id}`, id, { tags: ['all'] });
    const keys: string[] = [];
    let next: string | undefined = '';

    for (let pages = 0; next !== undefined && pages < 4; pages++) {
      const request: Parameters<Listing['tagged']>[0] = {
        namespace: 'products',
        tag: 'all',
        after: next,
        limit: 2,
      };
      const page: ListingPage | undefined = listing?.tagged(request);
      keys.push(...(page?.entries.map(({ key }) => key) ?? []));
      next = page?.next;
    }

    expect(next).toBeUndefined();
    expect(keys).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
  });

  it('lists the runs that began last', async () => {
    const clock = new ManualClock();
    const { listing, runs } = await start({}, { clock });
    await runs.run('first', { window: '1h' }, () => undefined);
    clock.advance(1000);
    const failing = runs.run('second', { window: '1h' }, () => Promise.reject(new TypeError('no')));
    await expect(failing).rejects.toThrow('no');

    expect(listing?.runs(10)).toMatchObject([
      { name: 'second', ok: false },
      { name: 'first', ok: true },
    ]);
    expect(listing?.runs(1)).toHaveLength(1);
  });
});
