import { describe, expect, it } from '@jest/globals';
import { useSample } from '../support/sample.js';

const CART = { items: [{ productId: 7, quantity: 2 }] };

describe('The single-node sample', () => {
  const { start, directory } = useSample();

  it('answers a page from the origin once, and from memory afterwards', async () => {
    const sample = await start(directory());

    const first = await sample.get('/products/7');
    const second = await sample.get('/products/7');

    expect(first).toMatchObject({ status: 200, layer: 'origin' });
    expect(first.body).toMatchObject({ id: 7, name: 'Product 7', lang: 'en' });
    expect(second).toEqual({ ...first, layer: 'l1' });
    expect((await sample.stats()).origin.reads).toBe(1);
  });

  it('asks the origin once for many requests at the same time', async () => {
    const sample = await start(directory(), { ORIGIN_DELAY_MS: '50' });

    const answers = await Promise.all(Array.from({ length: 20 }, () => sample.get('/products/7')));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await sample.stats()).origin.reads).toBe(1);
  });

  it('tells the layer of each request, however many run at the same time', async () => {
    const sample = await start(directory());
    const paths = Array.from({ length: 60 }, (_, i) => `/products/${i + 1}`);
    await Promise.all(paths.slice(0, 30).map((path) => sample.get(path)));

    const answers = await Promise.all(paths.map((path) => sample.get(path)));

    const layers = answers.map(({ layer }) => layer);
    expect(layers).toEqual(paths.map((_, i) => (i < 30 ? 'l1' : 'origin')));
  });

  it('answers from the file after a restart, without asking the origin', async () => {
    const home = directory();
    const before = await start(home);
    const page = await before.get('/products/7');
    await before.send('PUT', '/carts/ann', CART);
    await before.stop();

    const after = await start(home);

    expect(await after.get('/products/7')).toEqual({ ...page, layer: 'l2' });
    expect(await after.get('/products/7')).toEqual({ ...page, layer: 'l1' });
    expect(await after.get('/carts/ann')).toMatchObject({ layer: 'l2', body: CART });
    expect((await after.stats()).origin.reads).toBe(0);
  });

  it('drops what shows a product when it is edited, and nothing else', async () => {
    const sample = await start(directory());
    const paths = ['/products/7', '/products/7?lang=de', '/products/8'];
    for (const path of paths) await sample.get(path);
    await sample.get('/products');

    const edit = await sample.send('PATCH', '/products/7', { priceCents: 999 });

    expect(edit).toMatchObject({ status: 200, body: { id: 7 } });
    const [english, german, other] = await Promise.all(paths.map((path) => sample.get(path)));
    expect(english).toMatchObject({ layer: 'origin', body: { priceCents: 999, price: '€9.99' } });
    expect(german).toMatchObject({ layer: 'origin', body: { priceCents: 999 } });
    expect(other).toMatchObject({ layer: 'l1' });
    expect(await sample.get('/products')).toMatchObject({ interceptor: 'MISS' });
  });

  it("caches the top list by Nest's interceptor", async () => {
    const sample = await start(directory());

    const first = await sample.get('/products');
    const second = await sample.get('/products');

    expect(first).toMatchObject({ status: 200, interceptor: 'MISS' });
    expect(first.body).toHaveLength(10);
    expect(second).toEqual({ ...first, interceptor: 'HIT' });
  });

  it('counts every view', async () => {
    const sample = await start(directory());

    await Promise.all(Array.from({ length: 50 }, () => sample.send('POST', '/products/7/views')));

    expect((await sample.get('/products/7/views')).body).toEqual({ views: 50 });
    expect((await sample.get('/products/8/views')).body).toEqual({ views: 0 });
  });

  it('refuses what makes no sense, and caches none of it', async () => {
    const sample = await start(directory());

    expect(await sample.get('/products/7000')).toMatchObject({ status: 404 });
    expect(await sample.get('/products/seven')).toMatchObject({ status: 400 });
    expect(await sample.get('/products/7?lang=xx')).toMatchObject({ status: 400 });
    expect(await sample.get('/carts/nobody')).toMatchObject({ status: 404 });
    for (const edit of [{}, { name: '' }, { priceCents: -1 }, { priceCents: '9' }, undefined]) {
      expect(await sample.send('PATCH', '/products/7', edit)).toMatchObject({ status: 400 });
    }
    expect(await sample.send('PATCH', '/products/7000', { priceCents: 9 })).toMatchObject({
      status: 404,
    });
    expect(await sample.send('PUT', '/carts/ann', { items: 'none' })).toMatchObject({
      status: 400,
    });
    expect((await sample.stats()).cache.l2.entries).toBe(0);
  });
});
