import { afterEach, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HyperCacheNode } from '../../lib/node/hyper-cache-node.js';
import { redis, type RedisOptions } from '../../lib/redis/index.js';
import { eventually } from '../support/eventually.js';
import { isLinked, PROGRAM, useRedis } from '../support/redis-nodes.js';
import { RedisServer } from '../support/redis-servers.js';
import { makeTemporaryDirectory } from '../support/temporary-directory.js';

const OF_TESTS = PROGRAM === undefined ? describe.skip : describe;
const OF_TLS = spawnSync('openssl', ['version']).status === 0 ? OF_TESTS : describe.skip;
const UNREACHABLE = { code: 'HC_SERVER_UNREACHABLE' };

/** In memory of the node. */
async function heat(node: HyperCacheNode, key: string): Promise<void> {
  await eventually(async () => {
    await node.cache('n').get(key);
    expect(node.cache('n').get(key)).not.toBeInstanceOf(Promise);
  });
}

OF_TESTS('A node whose server is away', () => {
  const cluster = useRedis();
  const later = new Set<RedisServer>();
  afterEach(() => {
    for (const server of later) server.stop();
    later.clear();
    if (cluster.server.cli('PING') === '') cluster.server.start();
  });

  it('starts without it when it may, and serves as soon as it is there', async () => {
    const server = new RedisServer(PROGRAM ?? '');
    later.add(server);
    const node = await cluster.node({ url: server.url, start: 'lazy' });

    expect(isLinked(node)).toBe(false);
    expect(await node.cache('n').get('key')).toBeUndefined();
    expect((await node.cache('n').wrap('key', () => 'made')).value).toBe('made');
    await expect(node.cache('n').set('key', 1)).rejects.toMatchObject(UNREACHABLE);
    await expect(node.locks.lock('lock', { ttl: 1000 }).acquire()).rejects.toMatchObject(
      UNREACHABLE,
    );
    expect(cluster.reported).toContain(UNREACHABLE.code);

    server.start();
    await eventually(() => node.cache('n').set('key', 2));
    await heat(node, 'key');
    expect(await node.cache('n').get('key')).toBe(2);
    expect(await node.locks.lock('lock', { ttl: 1000 }).acquire()).toBe(true);
  });

  it('closes while it still waits for the first connection', async () => {
    const node = await cluster.node({ url: 'redis://127.0.0.1:1', start: 'lazy' });

    await node.close();

    expect(node.health().isOpen).toBe(false);
  });

  it('does not start with a server that is there and unfit, lazy or not', async () => {
    const starting = cluster.node({ username: 'nobody', password: 'wrong', start: 'lazy' });

    await expect(starting).rejects.toMatchObject({ code: 'HC_SERVER_UNFIT' });
  });

  it('serves what its memory holds when it may, and begins empty when the server is back', async () => {
    const stale = await cluster.node({ onLost: 'serve-stale' });
    const strict = await cluster.node();
    await strict.cache('n').set('key', 1);
    await strict.cache('n').set('tagged', 1, { tags: ['tag'] });
    for (const key of ['key', 'tagged']) {
      await heat(stale, key);
      await heat(strict, key);
    }
    cluster.server.stop();
    await eventually(() => expect(isLinked(stale) || isLinked(strict)).toBe(false));

    expect(await stale.cache('n').get('key')).toBe(1);
    expect(await stale.cache('n').get('tagged')).toBe(1);
    expect(await stale.cache('n').get('other')).toBeUndefined();
    expect(await strict.cache('n').get('key')).toBeUndefined();
    await expect(stale.cache('n').set('key', 2)).rejects.toMatchObject(UNREACHABLE);

    cluster.server.start();
    await eventually(() => expect(isLinked(stale)).toBe(true));
    expect(await stale.cache('n').get('tagged')).toBeUndefined();
    await eventually(() => strict.cache('n').set('key', 3));
    await eventually(async () => expect(await stale.cache('n').get('key')).toBe(3));
  });

  it('serves it no longer than it may', async () => {
    const node = await cluster.node({ onLost: 'serve-stale', staleBound: 500, staleAfter: 1000 });
    await node.cache('n').set('key', 1);
    await heat(node, 'key');
    const began = performance.now();
    cluster.server.stop();

    await eventually(async () => expect(await node.cache('n').get('key')).toBeUndefined());
    expect(performance.now() - began).toBeGreaterThan(500);
  });

  it('waits for a server that a script of another program holds', async () => {
    const node = await cluster.node({ timeout: 500 });
    await node.cache('n').set('key', 1);
    cluster.server.cli('CONFIG', 'SET', 'busy-reply-threshold', '100');
    const port = String(cluster.server.port);
    const script = spawn('redis-cli', ['-p', port, 'EVAL', 'while true do end', '0'], {
      stdio: 'ignore',
    });
    try {
      await eventually(() => expect(isLinked(node)).toBe(false));
      expect(await node.cache('n').get('key')).toBeUndefined();
      await expect(node.cache('n').set('key', 2)).rejects.toMatchObject(UNREACHABLE);
    } finally {
      cluster.server.cli('SCRIPT', 'KILL');
      script.kill();
    }

    await eventually(() => node.cache('n').set('key', 3));
    expect(await node.cache('n').get('key')).toBe(3);
  });

  it('reads on when the server cannot write to its disk', async () => {
    const node = await cluster.node();
    await node.cache('n').set('key', 1);
    await node.cache('n').set('tagged', 1, { tags: ['tag'] });
    cluster.server.cli('CONFIG', 'SET', 'save', '3600 1');
    cluster.server.cli('CONFIG', 'SET', 'dbfilename', 'dump.rdb');
    const place = cluster.server.cli('CONFIG', 'GET', 'dir').split('\n').at(-1) ?? '';
    execFileSync('mkdir', ['-p', join(place, 'dump.rdb', 'in-the-way')]);
    try {
      cluster.server.cli('BGSAVE');
      await eventually(() =>
        expect(cluster.server.cli('INFO', 'persistence')).toContain('rdb_last_bgsave_status:err'),
      );
      const failed = { code: 'HC_STORAGE_FAILED', message: expect.stringContaining('MISCONF') };

      await expect(node.cache('n').set('key', 2)).rejects.toMatchObject(failed);
      await expect(node.cache('n').set('key', 2, { tags: ['tag'] })).rejects.toMatchObject(failed);
      await expect(node.locks.lock('lock', { ttl: 1000 }).acquire()).rejects.toMatchObject(failed);
      expect(await node.cache('n').get('key')).toBe(1);
      expect(await node.cache('n').get('tagged')).toBe(1);
      expect(isLinked(node)).toBe(true);
    } finally {
      execFileSync('rm', ['-r', join(place, 'dump.rdb')]);
      cluster.server.cli('CONFIG', 'SET', 'save', '');
    }
    cluster.server.cli('BGSAVE');
    await eventually(() => node.cache('n').set('key', 3));
    expect(await node.cache('n').get('key')).toBe(3);
  });
});

OF_TLS('A node over TLS', () => {
  const directory = makeTemporaryDirectory();
  const file = (name: string): string => join(directory, name);
  const cluster = useRedis();

  function certified(): RedisServer {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const out = ['-keyout', file('key.pem'), '-out', file('cert.pem'), '-days', '2'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...out, ...subject], {
      stdio: 'ignore',
    });
    const { server } = cluster;
    server.cli('CONFIG', 'SET', 'tls-cert-file', file('cert.pem'), 'tls-key-file', file('key.pem'));
    return server;
  }

  it('trusts the authority that it is given, and no other', async () => {
    const server = certified();
    // A port that no other server of this worker takes.
    const { port } = new RedisServer(PROGRAM ?? '');
    const settings = {
      'tls-auth-clients': 'no',
      'tls-ca-cert-file': file('cert.pem'),
      'tls-port': String(port),
    };
    expect(server.cli('CONFIG', 'SET', ...Object.entries(settings).flat())).toBe('OK');
    const url = `rediss://localhost:${port}`;
    const ca = readFileSync(file('cert.pem'));

    const node = await cluster.node({ url, tls: { ca } });
    await node.cache('n').set('key', 1);
    expect(await node.cache('n').get('key')).toBe(1);
    await expect(cluster.node({ url })).rejects.toMatchObject({
      ...UNREACHABLE,
      message: expect.stringContaining('certificate'),
    });
    const plain = cluster.node({ url: `redis://localhost:${port}`, timeout: 500 });
    await expect(plain).rejects.toMatchObject(UNREACHABLE);
  });
});

describe('redis()', () => {
  it.each<[string, RedisOptions]>([
    ['onLost', { onLost: 'stale' as 'miss' }],
    ['start', { start: 'later' as 'lazy' }],
    ['staleAfter', { staleBound: 2000, staleAfter: 1000 }],
    ['tls', { tls: true as never, url: 'rediss://cache' }],
    ['tls', { tls: {} }],
  ])('refuses a bad value of %s', (option, given) => {
    expect(() => redis({ url: 'redis://cache', ...given })).toThrow(
      expect.objectContaining({
        code: 'HC_OPTIONS_INVALID',
        problems: [expect.objectContaining({ option: `redis(): ${option}` })],
      }),
    );
  });
});
