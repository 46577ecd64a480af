import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { PROGRAM, useRedis } from '../support/redis-nodes.js';

const ENTRY = '{hc:n:00}:e:key';

/** @param change of the bytes of an entry that is good */
const DAMAGES: readonly (readonly [name: string, change: (good: string) => string])[] = [
  ['nothing at all', () => ''],
  ['its first byte only', () => '1'],
  ['half of a header', (good) => good.slice(0, 40)],
  ['another format', (good) => `9${good.slice(1)}`],
  ['another codec', (good) => `${good[0]}?${good.slice(2)}`],
  ['a length of no number', (good) => `${good.slice(0, 3)}xxxxx${good.slice(8)}`],
  ['a length beyond its end', (good) => `${good.slice(0, 3)}99999${good.slice(8)}`],
  ['a length below that of a header', (good) => `${good.slice(0, 3)}00001${good.slice(8)}`],
  ['a revision of no number', (good) => `${good.slice(0, 8)}${'?'.repeat(16)}${good.slice(24)}`],
  ['an end of no number', (good) => `${good.slice(0, 40)}${'?'.repeat(16)}${good.slice(56)}`],
  [
    'a fresh-until of no number',
    (good) => `${good.slice(0, 56)}${'?'.repeat(16)}${good.slice(72)}`,
  ],
  ['a tag of a negative length', (good) => `${good.slice(0, 72)}-020${good.slice(76)}`],
  ['a tag beyond its end', (good) => `${good.slice(0, 72)}9999${good.slice(76)}`],
  ['a value that is cut', (good) => good.slice(0, -3)],
];

const HOSTILE = [
  '{',
  '}',
  '{}',
  '}:e:',
  '{hc:n:00}:e:key',
  '\0',
  'a\0b',
  '*',
  '?',
  '[',
  '[a-z]',
  '^',
  '\\',
  '\\*',
  ' ',
  '\r\n',
  '$-1\r\n',
  '%00',
  '__proto__',
  'ключ',
  '😀',
  'x'.repeat(1024),
];

(PROGRAM === undefined ? describe.skip : describe)('What others put on the server', () => {
  const cluster = useRedis();
  const cli = (...args: string[]): string => cluster.server.cli(...args);

  it.each(DAMAGES)('is a miss that is replaced when an entry has %s', async (_what, change) => {
    const node = await cluster.node();
    const cache = node.cache('n');
    const damage = async (): Promise<void> => {
      await cache.set('key', { some: 'value' }, { tags: ['tag'] });
      const damaged = change(cli('GET', ENTRY));
      cli('SET', ENTRY, damaged, 'KEEPTTL');
      await eventually(async () => expect(await cache.get('key')).toBeUndefined());
    };

    await damage();
    expect((await cache.getWithRevision('key')).value).toBeUndefined();
    expect(cluster.reported).toContain('HC_VALUE_UNREADABLE');
    await damage();
    for await (const _key of cache.keys('')) continue;
    for await (const _entry of cache.entries()) continue;
    expect((await cache.wrap('key', () => 'made')).value).toBe('made');
    expect(await cache.get('key')).toBe('made');
    await damage();
    await cache.set('key', 'set');
    expect(await cache.get('key')).toBe('set');
    await damage();
    await cache.delete('key');
    expect(cli('EXISTS', ENTRY)).toBe('0');
    await damage();
    await cache.deletePrefix('k');
    expect(cli('EXISTS', ENTRY)).toBe('0');
    await damage();
    await cache.deleteTag('tag');
    await cache.expireTag('tag');
    await cache.expirePrefix('k');
    await cache.clear();
    await cache.set('key', 'after');
    expect(await cache.get('key')).toBe('after');
  });

  it('is a miss and a typed error when it is no string', async () => {
    const node = await cluster.node();
    const cache = node.cache('n');
    await cache.set('mine', 1, { tags: ['tag'] });
    cli('HSET', ENTRY, 'of', 'another');

    expect(await cache.get('key')).toBeUndefined();
    expect(cluster.reported).toEqual(['HC_STORAGE_FOREIGN']);
    const foreign = { code: 'HC_STORAGE_FOREIGN' };
    await expect(cache.add('key', 1)).rejects.toMatchObject(foreign);
    await expect(cache.increment('key', 1)).rejects.toMatchObject(foreign);
    await expect(cache.touch('key', 1000)).rejects.toMatchObject(foreign);
    await expect(cache.delete('key')).rejects.toMatchObject(foreign);
    expect((await cache.wrap('key', () => 'made')).value).toBe('made');
    expect(await cache.deletePrefix('')).toBe(1);
    expect(cli('HGET', ENTRY, 'of')).toBe('another');
    cli('DEL', ENTRY);
    await cache.set('key', 2);
    expect(await cache.get('key')).toBe(2);
  });

  it.each(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 30), text]))(
    'does not take %s for another key, tag or prefix',
    async (_name, text) => {
      const [one, other] = [await cluster.node(), await cluster.node()];
      const cache = one.cache('n');
      await cache.set('neighbour', 0, { tags: ['neighbour'] });
      await cache.set(text, 1, { tags: [text] });
      expect(await other.cache('n').get(text)).toBe(1);
      expect(await other.cache('n').get(text)).toBe(1);

      await cache.set(text, 2, { tags: [text] });
      await eventually(async () => expect(await other.cache('n').get(text)).toBe(2));
      const found: string[] = [];
      for await (const key of cache.keys(text)) found.push(key);
      expect(found).toEqual([text]);
      expect(await cache.deletePrefix(text)).toBe(1);
      await eventually(async () => expect(await other.cache('n').get(text)).toBeUndefined());
      await cache.set(text, 3, { tags: [text] });
      expect(await other.cache('n').get(text)).toBe(3);
      expect(await cache.deleteTag(text)).toBe(1);
      await eventually(async () => expect(await other.cache('n').get(text)).toBeUndefined());
      expect((await cache.wrap(text, () => 4)).value).toBe(4);
      expect(await cache.increment(text, 1)).toBe(5);
      expect(await cache.delete(text)).toBe(true);
      expect(await cache.get('neighbour')).toBe(0);
      expect(cluster.reported).toEqual([]);
    },
  );
});
