import { describe, expect, it } from '@jest/globals';
import { InvalidOptionsError } from '../../../lib/common/errors.js';
import { resolveRedisOptions, type RedisOptions } from '../../../lib/redis/redis-options.js';

/** The names of the options that are refused. */
function refused(options: unknown, environment = {}): string[] {
  try {
    resolveRedisOptions(options as RedisOptions, environment);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    return error.problems.map(({ option }) => option.replace('redis(): ', ''));
  }
}

const SENTINEL = { name: 'cache', nodes: [{ host: 'a' }] };

describe('resolveRedisOptions', () => {
  it('takes the url of the environment, unless another place is given', () => {
    const environment = { HYPERCACHE_REDIS_URL: 'redis://of-environment' };

    expect(resolveRedisOptions({}, environment).url).toBe('redis://of-environment');
    expect(resolveRedisOptions({ sentinel: SENTINEL }, environment).url).toBeUndefined();
    expect(refused({})).toEqual(['url']);
    expect(refused({ url: 'redis://a', sentinel: SENTINEL })).toEqual(['sentinel']);
  });

  it('gives Sentinels their port', () => {
    const { sentinel } = resolveRedisOptions({ sentinel: SENTINEL, tls: {} }, {});

    expect(sentinel).toEqual({ name: 'cache', nodes: [{ host: 'a', port: 26_379 }] });
  });

  it.each([
    [1, 'sentinel'],
    [null, 'sentinel'],
    [{}, 'sentinel.name', 'sentinel.nodes'],
    [{ ...SENTINEL, name: '' }, 'sentinel.name'],
    [{ ...SENTINEL, nodes: [] }, 'sentinel.nodes'],
    [{ ...SENTINEL, nodes: ['a'] }, 'sentinel.nodes'],
    [{ ...SENTINEL, nodes: [null] }, 'sentinel.nodes'],
    [{ ...SENTINEL, nodes: [{ host: 'a', port: 65_536 }] }, 'sentinel.nodes'],
    [{ ...SENTINEL, nodes: [{ host: 'a' }, { host: 'a', port: 26_379 }] }, 'sentinel.nodes'],
    [{ ...SENTINEL, password: 1 }, 'sentinel.password'],
    [{ ...SENTINEL, tls: true }, 'sentinel.tls'],
    [{ ...SENTINEL, master: 'cache' }, 'sentinel.master'],
  ])('refuses %j as sentinel', (sentinel, ...options) => {
    expect(refused({ sentinel })).toEqual(options);
  });

  it('gives servers of a cluster their port, and a namespace 64 buckets', () => {
    const { cluster, buckets, url } = resolveRedisOptions(
      { cluster: [{ host: 'a' }, { host: 'b', port: 7000 }] },
      { HYPERCACHE_REDIS_URL: 'redis://of-environment' },
    );

    expect(cluster).toEqual([
      { host: 'a', port: 6379 },
      { host: 'b', port: 7000 },
    ]);
    expect(buckets).toBe(64);
    expect(url).toBeUndefined();
  });

  it.each([[1], [null], [{}], [[]], [['a']], [[{ host: '' }]], [[{ host: 'a', port: 0 }]]])(
    'refuses %j as cluster',
    (cluster) => {
      expect(refused({ cluster })).toEqual(['cluster']);
    },
  );

  it('refuses a cluster together with another place', () => {
    const cluster = [{ host: 'a' }];
    expect(refused({ cluster, url: 'redis://a' })).toEqual(['cluster']);
    expect(refused({ cluster, sentinel: SENTINEL })).toEqual(['cluster']);
  });
});
