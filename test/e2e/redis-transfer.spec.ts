import { beforeEach, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  getHyperCacheToken,
  HyperCache,
  HyperCacheModule,
  type HyperCacheOptions,
} from 'nestjs-hypercache';
import { redis } from 'nestjs-hypercache/redis';
import { commandLine, jsonLines } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { useNestApps } from '../support/nest-apps.js';
import { aclSetUser, asDocumentedUser } from '../support/redis-acl.js';
import { describeWithServer, useRedisServer } from '../support/redis-suites.js';

const ENTRIES = 600;

describeWithServer('hypercache --url redis://', () => {
  const apps = useNestApps();
  const server = useRedisServer();
  let directory = '';
  beforeEach(() => {
    server.cli('FLUSHALL');
    directory = apps.directory();
  });

  const start = async (options: HyperCacheOptions) => {
    const app = await apps.context({
      imports: [
        HyperCacheModule.forRoot({ logger: false, ...options }),
        HyperCacheModule.forFeature({ name: 'other: {x}%', namespace: 'other: {x}%' }),
      ],
    });
    return app;
  };
  const run = async (...args: string[]) => {
    const end = await commandLine(args);
    expect(end).toMatchObject({ err: '', code: 0 });
    return end.out;
  };
  const sortedLines = (text: string): unknown[] =>
    jsonLines(text).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  /** Without what is left of each ttl, which shrinks. */
  const contentOf = (text: string): unknown[] =>
    sortedLines(text.replaceAll(/"ttl":[\d.]+/g, '"ttl":"some"'));

  async function fillFile(): Promise<void> {
    const app = await start({ sqlitePath: directory });
    const cache = app.get(HyperCache);
    const keys = Array.from({ length: ENTRIES }, (_, i) => `key:${i}`);
    await cache.mset(keys.map((key, i) => ({ key, value: { i }, ttl: 600_000, tags: ['all'] })));
    await cache.set('map', new Map([[1, new Date(5)]]));
    await cache.set('text', 'x'.repeat(5000), { ttl: '1h' });
    await cache.set('number', 7);
    await cache.set('bytes', Buffer.from([0, 255, 10]));
    await cache.set('*?[odd]\u0000', 'odd', { tags: ['{tag}', 'all'] });
    const other = app.get<HyperCache>(getHyperCacheToken('other: {x}%'));
    await other.set('elsewhere', 1);
    await app.close();
  }

  it('moves entries from a file to a server and back, with their times and tags', async () => {
    await fillFile();
    const there = join(directory, 'there.ndjson');
    const back = join(directory, 'back.ndjson');
    const again = join(directory, 'again.ndjson');
    const home = apps.directory();

    await run('export', '--path', directory, '--to', there);
    expect(await run('import', there, '--url', server.url, '--dry-run')).toBe(
      `Nothing is stored. Good are ${ENTRIES + 6} entries of ${ENTRIES + 6} lines.\n`,
    );
    expect(await run('keys', '--url', server.url)).toBe('');
    expect(await run('import', there, '--url', server.url)).toBe(
      `Imported ${ENTRIES + 6} entries of ${ENTRIES + 6} lines.\n`,
    );

    const app = await start({ engine: redis({ url: server.url }) });
    const cache = app.get(HyperCache);
    expect(await cache.get('map')).toEqual(new Map([[1, new Date(5)]]));
    expect(await cache.get('bytes')).toEqual(Buffer.from([0, 255, 10]));
    expect(await cache.increment('number')).toBe(8);
    const ttl = Number((await cache.getEntry('key:1'))?.expiresAt) - Date.now();
    expect(ttl).toBeGreaterThan(500_000);
    expect(ttl).toBeLessThanOrEqual(600_000);
    await cache.set('number', 7);

    await run('export', '--url', server.url, '--to', back);
    expect(contentOf(readFileSync(back, 'utf8'))).toEqual(contentOf(readFileSync(there, 'utf8')));
    await start({ sqlitePath: home }).then((fresh) => fresh.close());
    await run('import', back, '--path', home);
    await run('export', '--path', home, '--to', again);
    expect(contentOf(readFileSync(again, 'utf8'))).toEqual(contentOf(readFileSync(there, 'utf8')));

    expect(await cache.delByTag('all')).toBe(ENTRIES + 1);
    expect(await cache.get('key:1')).toBeUndefined();
  });

  it('goes on from a line', async () => {
    await fillFile();
    const file = join(directory, 'cache.ndjson');
    await run('export', '--path', directory, '--to', file);

    const out = await run('import', file, '--url', server.url, '--from-line', '601');

    expect(out).toBe(`Imported 6 entries of ${ENTRIES + 6} lines.\n`);
  });

  it('reads, writes and lists what an application has, without its revisions', async () => {
    const url = server.url;
    const app = await start({ engine: redis({ url, prefix: 'shop' }) });
    const cache = app.get(HyperCache);
    await cache.set('user:1', { name: 'Ada' }, { tags: ['users'] });
    await cache.lock('report', { ttl: 60_000 }).acquire();
    const ask = (...args: string[]) => run(...args, '--url', url, '--redis-prefix', 'shop');

    expect(await ask('get', 'user:1')).toContain('Ada');
    await ask('set', 'user:2', '{"name":"Bob"}');
    expect(await cache.get('user:2')).toEqual({ name: 'Bob' });
    expect(jsonLines(await ask('keys', 'user:', '--json')).length).toBe(2);
    expect(await ask('tags')).toContain('users');
    expect(await ask('locks')).toContain('report');
    expect(JSON.parse(await ask('stats', '--json'))).toMatchObject({
      kind: 'redis',
      entries: 2,
      namespaces: { default: 2 },
      locksHeld: 1,
    });
    await ask('del', 'user:2');
    // The server tells the application a moment later.
    await eventually(async () => expect(await cache.get('user:2')).toBeUndefined());
  });

  it('is looked at by the doctor, as the user of the documents and as one that lacks a right', async () => {
    const doctor = async (): Promise<unknown> => {
      const environment = { HYPERCACHE_REDIS_URL: asDocumentedUser(server.url) };
      const { out } = await commandLine(['doctor', '--json'], { environment });
      expect(out).not.toContain('a-long-random-password');
      return jsonLines(out);
    };
    server.cli(...aclSetUser('hc'));

    expect(await doctor()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ check: 'server', level: 'ok' }),
        expect.objectContaining({ check: 'server memory', level: 'warning' }),
        expect.objectContaining({ check: 'server persistence', level: 'warning' }),
        expect.objectContaining({ check: 'server distance' }),
        expect.objectContaining({ check: 'server access', level: 'ok' }),
      ]),
    );
    server.cli('ACL', 'SETUSER', 'hypercache', '-role');
    expect(await doctor()).toContainEqual({
      check: 'server',
      level: 'problem',
      said: expect.stringMatching(/may not run role: ACL SETUSER <user> \+role/i),
      fix: expect.any(String),
    });
  });

  it('says what is wrong with the address, and shows no password', async () => {
    const url = 'redis://:hunter2@127.0.0.1:1';

    const end = await commandLine(['keys', '--url', url]);

    expect(end).toMatchObject({ code: 1, err: expect.stringMatching(/^HC_SERVER_UNREACHABLE: /) });
    expect(end.err).not.toContain('hunter2');
  });
});
