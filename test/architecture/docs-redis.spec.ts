import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidOptionsError } from '../../lib/common/errors.js';
import { RedisKeys } from '../../lib/redis/redis-keys.js';
import { resolveRedisOptions, type RedisOptions } from '../../lib/redis/redis-options.js';
import { RIGHTS_OF_CLUSTER, SERVER_RIGHTS } from '../../lib/redis/scripts/rights.js';
import { documentedRights } from '../support/redis-acl.js';
import { root } from './support/source-files.js';

const text = readFileSync(join(root, 'docs/redis.md'), 'utf8');
const rowOf = (name: string): string =>
  text.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``)) ?? '';

describe('docs/redis.md', () => {
  it('gives the user of a cache the rights that a node looks for, and no others', () => {
    const keys = new RedisKeys('hc').patterns.split(' ');
    expect(documentedRights()).toEqual([
      'resetkeys',
      ...keys,
      'resetchannels',
      '-@all',
      ...SERVER_RIGHTS.map((right) => `+${right}`),
    ]);
  });

  it('names the rights that a cluster needs in addition', () => {
    expect(text).toContain(`\`${RIGHTS_OF_CLUSTER.map((right) => `+${right}`).join(' ')}\``);
  });

  it('has a row for each option of redis(), with its default', () => {
    const {
      url: _,
      username,
      password,
      tls,
      sentinel,
      cluster,
      ...defaults
    } = resolveRedisOptions({ url: 'redis://a' }, {});
    expect([username, password, tls, sentinel, cluster].every((each) => each === undefined)).toBe(
      true,
    );
    for (const [name, byDefault] of Object.entries(defaults)) {
      expect(rowOf(name)).toContain(
        typeof byDefault === 'string' ? `\`'${byDefault}'\`` : `\`${byDefault}\``,
      );
    }
    for (const name of ['url', 'sentinel', 'cluster', 'username', 'password', 'tls'])
      expect(rowOf(name)).not.toBe('');
  });

  it('knows no option that there is not', () => {
    const [, table = ''] = text.split('| option of `redis()`');
    const names = Array.from(
      table.slice(0, table.indexOf('\n\n')).matchAll(/^\| (`[^|]+`) +\|/gm),
      ([, cell = '']) => cell.match(/\w+/g) ?? [],
    ).flat();
    expect(names.length).toBeGreaterThan(6);
    const unknown = (name: string): boolean => {
      try {
        resolveRedisOptions({ [name]: {} } as RedisOptions, {});
        return false;
      } catch (error) {
        if (!(error instanceof InvalidOptionsError)) throw error;
        return error.problems.some(({ instead }) => instead.startsWith('leave it out'));
      }
    };
    expect(names.filter(unknown)).toEqual([]);
    expect(unknown('servers')).toBe(true);
  });
});
