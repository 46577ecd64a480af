import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { InvalidOptionsError } from '../../../lib/common/errors.js';
import type { HyperCacheOptions } from '../../../lib/node/options.js';
import { environmentOf, OPTION_NAMES, resolveOptions } from '../../../lib/node/resolve-options.js';

const SECRET = 'a secret of at least thirty-two characters';
const OTHER_SECRET = 'another secret of at least thirty-two characters';
const ADMIN_SECRET = 'b52a7e61d0f94c38a1be770243c9d58f';

function problemsOf(given: unknown, environment: Record<string, string> = {}) {
  try {
    resolveOptions(given as HyperCacheOptions, environment);
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.problems;
    throw error;
  }
}

describe('resolveOptions', () => {
  it('sets everything when nothing is given', () => {
    expect(resolveOptions(undefined, {})).toMatchObject({
      role: 'primary',
      primaryUrl: undefined,
      apiToken: [],
      adminToken: [],
      timeout: 2000,
      asyncRequests: true,
      sqlitePath: resolve('storage/hypercache'),
      ttl: 0,
      namespace: 'default',
      isGlobal: true,
      l1: { maxEntries: Infinity, maxBytes: 67_108_864 },
      isolation: 'copy',
      durability: 'normal',
      maxSize: 1_073_741_824,
      maxEntries: Infinity,
      maxValueSize: 8_388_608,
      changeLogEntries: 100_000,
      changeLogAge: 86_400_000,
      sweepInterval: 1000,
      logger: undefined,
    });
  });

  it('knows no option without a value', () => {
    const resolved = resolveOptions({}, {});
    expect(Object.keys(resolved).toSorted()).toEqual([...OPTION_NAMES].toSorted());
  });

  it('freezes what it returns, in depth, and leaves what it was given', () => {
    const given = { l1: { maxEntries: 5 }, apiToken: [SECRET] };
    const resolved = resolveOptions(given, {});
    const parts = [resolved, resolved.l1, resolved.apiToken];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true]);
    expect(Object.isFrozen(given.l1)).toBe(false);
    expect(given).toEqual({ l1: { maxEntries: 5 }, apiToken: [SECRET] });
  });

  it.each(['http://me:50%off-hush@primary', 'ftp://me:hush@primary', 'me:hush@primary:80'])(
    'shows no credentials of %s, which is not acceptable',
    (primaryUrl) => {
      const [problem] = problemsOf({ primaryUrl });

      expect(problem?.value).toContain('@primary');
      expect(problem?.value).not.toContain('hush');
    },
  );

  it('keeps what is given', () => {
    const given = {
      ttl: 5000,
      namespace: 'n',
      l1: false,
      isolation: 'share',
      durability: 'full',
      maxSize: 4_194_304,
      maxEntries: 10,
      maxValueSize: 1,
      logger: false,
    } as const;
    expect(resolveOptions(given, {})).toMatchObject(given);
  });

  it('fills what an object leaves out, and takes undefined for left out', () => {
    expect(resolveOptions({ l1: { maxEntries: 5, maxBytes: undefined } }, {}).l1).toEqual({
      maxEntries: 5,
      maxBytes: 67_108_864,
    });
    expect(resolveOptions({ ttl: undefined, role: undefined }, {})).toMatchObject({
      ttl: 0,
      role: 'primary',
    });
  });

  it('makes a path absolute', () => {
    expect(resolveOptions({ sqlitePath: 'relative' }, {}).sqlitePath).toBe(resolve('relative'));
    expect(resolveOptions({ sqlitePath: '/absolute' }, {}).sqlitePath).toBe('/absolute');
  });

  it.each([':memory:', 'file::memory:?cache=shared'])(
    'refuses %s for a path, and says what to do',
    (sqlitePath) => {
      expect(problemsOf({ sqlitePath })).toMatchObject([
        { instead: expect.stringContaining('tmpfs') },
      ]);
    },
  );

  it('makes a list of one token', () => {
    expect(resolveOptions({ apiToken: SECRET }, {}).apiToken).toEqual([SECRET]);
  });

  it('takes a role for options', () => {
    expect(resolveOptions('primary', {}).role).toBe('primary');
    expect(problemsOf('master')).toMatchObject([{ option: 'role', value: "'master'" }]);
  });

  describe('takes from the environment', () => {
    const environment = {
      HYPERCACHE_SERVER_ROLE: 'secondary',
      HYPERCACHE_PRIMARY_URL: 'http://primary:3000',
      HYPERCACHE_API_TOKEN: `${SECRET}, ${OTHER_SECRET}`,
      HYPERCACHE_ADMIN_TOKEN: ADMIN_SECRET,
      HYPERCACHE_SIGN_REQUESTS: 'true',
      HYPERCACHE_TIMEOUT: '500',
      HYPERCACHE_ASYNC: 'false',
      HYPERCACHE_ON_PRIMARY_LOST: 'miss',
      HYPERCACHE_STALE_AFTER: '2000',
      HYPERCACHE_OUTBOX_MAX_ENTRIES: '5',
      HYPERCACHE_OUTBOX_MAX_BYTES: '6',
      HYPERCACHE_OUTBOX_FULL: 'block',
      HYPERCACHE_REPLICA: 'none',
      HYPERCACHE_ACCEPT_NEW_HISTORY: '1',
      HYPERCACHE_PATH: '/hc',
      HYPERCACHE_LISTEN: '[::1]:3100',
      HYPERCACHE_SQLITE_PATH: '/data',
      HYPERCACHE_FILE_MODE: '660',
      HYPERCACHE_TTL: '1e3',
      HYPERCACHE_POLICIES: '{ "news": { "ttl": "1m" } }',
      HYPERCACHE_WRAP: '{ "grace": "1h" }',
      HYPERCACHE_NAMESPACE: 'shop',
      HYPERCACHE_L1: '{ "maxEntries": 7 }',
      HYPERCACHE_ISOLATION: 'share',
      HYPERCACHE_DURABILITY: 'full',
      HYPERCACHE_CHECKPOINTS: 'inline',
      HYPERCACHE_MAX_SIZE: '8388608',
      HYPERCACHE_MAX_ENTRIES: 'Infinity',
      HYPERCACHE_MAX_VALUE_SIZE: '1024',
      HYPERCACHE_CHANGE_LOG_ENTRIES: '8',
      HYPERCACHE_CHANGE_LOG_AGE: '9',
      HYPERCACHE_SWEEP_INTERVAL: '10',
      HYPERCACHE_MAX_LOCK_TTL: '11',
      HYPERCACHE_COHERENCE_INTERVAL: '12',
      HYPERCACHE_LOGGER: 'false',
    };

    it('what the options leave out', () => {
      const named = OPTION_NAMES.flatMap((name) => environmentOf(name) ?? []);

      expect(Object.keys(environment).toSorted()).toEqual(named.toSorted());
      expect(resolveOptions({}, environment)).toEqual({
        role: 'secondary',
        policies: { news: { ttl: '1m' } },
        wrap: { grace: '1h' },
        primaryUrl: 'http://primary:3000',
        apiToken: [SECRET, OTHER_SECRET],
        adminToken: [ADMIN_SECRET],
        signRequests: true,
        timeout: 500,
        asyncRequests: false,
        onPrimaryLost: 'miss',
        staleAfter: 2000,
        outboxMaxEntries: 5,
        outboxMaxBytes: 6,
        outboxFull: 'block',
        replica: 'none',
        acceptNewHistory: true,
        path: '/hc',
        listen: { host: '::1', port: 3100 },
        controllerDecorators: [],
        sqlitePath: '/data',
        fileMode: 0o660,
        ttl: 1000,
        namespace: 'shop',
        isGlobal: true,
        l1: { maxEntries: 7, maxBytes: 67_108_864 },
        isolation: 'share',
        durability: 'full',
        checkpoints: 'inline',
        maxSize: 8_388_608,
        maxEntries: Infinity,
        maxValueSize: 1024,
        changeLogEntries: 8,
        changeLogAge: 9,
        sweepInterval: 10,
        maxLockTtl: 11,
        coherenceInterval: 12,
        logger: false,
      });
    });

    it.each([
      ['HYPERCACHE_ROLE', 'write HYPERCACHE_SERVER_ROLE'],
      ['HYPERCACHE_SEVER_ROLE', 'write HYPERCACHE_SERVER_ROLE'],
      ['HYPERCACHE_API_TOKENS', 'write HYPERCACHE_API_TOKEN'],
      ['HYPERCACHE_SOMETHING_ELSE', 'remove it'],
      ['HYPERCACHE_IS_GLOBAL', 'remove it'],
    ])('nothing of %s, which is none', (option, instead) => {
      expect(problemsOf({}, { [option]: 'x' })).toEqual([
        { option, value: 'not an option', instead },
      ]);
    });

    it.each([
      'HYPERCACHE_SERVICE_HOST',
      'HYPERCACHE_SERVICE_PORT_HTTP',
      'HYPERCACHE_PORT',
      'HYPERCACHE_PORT_3000_TCP_ADDR',
      'HYPERCACHE_PRIMARY_SERVICE_PORT',
      'HYPERCACHE_PRIMARY_PORT_3000_TCP',
    ])('nothing of %s, which Kubernetes sets for a service', (name) => {
      expect(problemsOf({}, { [name]: 'x' })).toEqual([]);
    });

    it('nothing that the options give', () => {
      const given: HyperCacheOptions = { role: 'primary', timeout: 9, asyncRequests: true };
      expect(resolveOptions(given, environment)).toMatchObject(given);
      expect(problemsOf({ timeout: 9 }, { HYPERCACHE_TIMEOUT: 'soon' })).toEqual([]);
    });

    it('nothing that is empty', () => {
      expect(problemsOf({}, { HYPERCACHE_TIMEOUT: '', HYPERCACHE_SERVER_ROLE: '' })).toEqual([]);
    });

    it.each([
      ['HYPERCACHE_ASYNC', '1', true],
      ['HYPERCACHE_ASYNC', '0', false],
      ['HYPERCACHE_ASYNC', ' TRUE ', true],
    ])('%s=%j as %p', (name, text, expected) => {
      expect(resolveOptions({}, { [name]: text }).asyncRequests).toBe(expected);
    });

    it('durations and sizes', () => {
      expect(
        resolveOptions(
          { staleAfter: '1.5m', maxValueSize: '4MiB', l1: { maxBytes: '16MiB' } },
          { HYPERCACHE_TIMEOUT: '2s', HYPERCACHE_TTL: '5m', HYPERCACHE_MAX_SIZE: '1GB' },
        ),
      ).toMatchObject({
        timeout: 2000,
        ttl: 300_000,
        maxSize: 1e9,
        staleAfter: 90_000,
        maxValueSize: 4 * 1024 * 1024,
        l1: { maxBytes: 16 * 1024 * 1024 },
      });
    });

    it.each([
      { timeout: '2s ' },
      { timeout: '0s' },
      { timeout: '60d' },
      { timeout: '0.5ms' },
      { maxSize: '1MiB' },
      { maxSize: '5s' },
      { changeLogEntries: '5s' },
      { l1: { maxEntries: '5MiB' } },
      { l1: { maxBytes: '5' } },
      { ttl: [5] },
      { ttl: '5' },
    ] as never[])('no durations and sizes such as %j', (given) => {
      expect(problemsOf(given)).toHaveLength(1);
    });

    it.each([
      ['HYPERCACHE_TIMEOUT', ' '],
      ['HYPERCACHE_TIMEOUT', '2 s'],
      ['HYPERCACHE_TIMEOUT', '2sec'],
      ['HYPERCACHE_TTL', '-5m'],
      ['HYPERCACHE_MAX_SIZE', '64mb'],
      ['HYPERCACHE_TIMEOUT', '-1'],
      ['HYPERCACHE_ASYNC', 'perhaps'],
      ['HYPERCACHE_API_TOKEN', `${SECRET},short`],
      ['HYPERCACHE_PRIMARY_URL', 'primary:3000'],
      ['HYPERCACHE_SERVER_ROLE', 'Primary'],
      ['HYPERCACHE_FILE_MODE', '400'],
      ['HYPERCACHE_FILE_MODE', '1600'],
      ['HYPERCACHE_L1', 'true'],
      ['HYPERCACHE_POLICIES', '{ "news": { "tll": 5 } }'],
      ['HYPERCACHE_WRAP', 'grace'],
      ['HYPERCACHE_L1', '{ maxEntries: 5 }'],
      ['HYPERCACHE_LISTEN', '3100'],
      ['HYPERCACHE_LOGGER', 'true'],
    ])('a problem under the name of its variable: %s=%j', (name, text) => {
      expect(problemsOf({}, { [name]: text })).toMatchObject([
        { option: expect.stringContaining(name) },
      ]);
    });

    it('a problem with the text as it was read', () => {
      expect(problemsOf({}, { HYPERCACHE_TIMEOUT: '2 s' })).toMatchObject([{ value: "'2 s'" }]);
    });
  });

  describe('reports', () => {
    it('all problems at once, of code, environment and spelling', () => {
      const problems = problemsOf(
        { ttl: -1, maxEntires: 5, l1: { maxEntry: 1 }, stores: [] },
        { HYPERCACHE_TIMEOUT: 'soon' },
      );
      expect(problems.map(({ option }) => option).toSorted()).toEqual([
        'HYPERCACHE_TIMEOUT (option timeout)',
        'l1',
        'maxEntires',
        'stores',
        'ttl',
      ]);
    });

    it('names that nobody would have thought of as unknown', () => {
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        const given: unknown = JSON.parse(`{ "${name}": 1 }`);
        expect(problemsOf(given)).toMatchObject([{ option: name, value: 'not an option' }]);
      }
    });

    it('what a secondary lacks, but not twice what is wrong anyway', () => {
      expect(problemsOf('secondary').map(({ option }) => option)).toEqual([
        'primaryUrl',
        'apiToken',
      ]);
      expect(problemsOf({ role: 'secondary', apiToken: 'short' })).toMatchObject([
        { option: 'apiToken', value: 'not acceptable' },
        { option: 'primaryUrl', value: 'missing' },
      ]);
    });

    it('an adminToken that is no secret of its own', () => {
      expect(problemsOf({ apiToken: [OTHER_SECRET, SECRET], adminToken: SECRET })).toMatchObject([
        { option: 'adminToken', value: 'one of apiToken' },
      ]);
      expect(problemsOf({ adminToken: 'short' })).toMatchObject([
        { option: 'adminToken', value: 'not acceptable' },
      ]);
    });

    describe('together with engine', () => {
      const engine = { kind: 'other', create: () => undefined };

      it('what belongs to SQLite or to a cluster of it, each with a sentence', () => {
        const given = {
          engine,
          role: 'secondary',
          primaryUrl: 'http://primary:3000',
          apiToken: SECRET,
          adminToken: ADMIN_SECRET,
          sqlitePath: './cache',
          fileMode: 0o600,
          replica: 'none',
          asyncRequests: true,
          durability: 'relaxed',
          checkpoints: 'inline',
          maxSize: '1GiB',
          maxEntries: 5,
          changeLogEntries: 5,
          changeLogAge: '1h',
          sweepInterval: 5,
          coherenceInterval: 5,
          signRequests: true,
          acceptNewHistory: true,
          timeout: '1s',
          onPrimaryLost: 'miss',
          staleAfter: '1m',
          outboxMaxEntries: 5,
          outboxMaxBytes: 5,
          outboxFull: 'block',
        };
        const { engine: _, apiToken: __, ...refused } = given;

        const problems = problemsOf(given);

        expect(problems.map(({ option }) => option).toSorted()).toEqual(
          Object.keys(refused).toSorted(),
        );
        for (const { value, instead } of problems) {
          expect(value).toMatch(/ together with engine$/);
          expect(instead).toMatch(/^(leave it out|write it)[:, ].{10,}/);
        }
        expect(JSON.stringify(problems)).not.toContain(ADMIN_SECRET);
      });

      it('the same of the environment, by the names of the variables', () => {
        const environment = { HYPERCACHE_SERVER_ROLE: 'primary', HYPERCACHE_SQLITE_PATH: './c' };
        expect(problemsOf({ engine }, environment).map(({ option }) => option)).toEqual([
          'HYPERCACHE_SERVER_ROLE (option role)',
          'HYPERCACHE_SQLITE_PATH (option sqlitePath)',
        ]);
      });

      it('nothing of what any engine has', () => {
        const given = {
          engine,
          apiToken: SECRET,
          listen: { host: '127.0.0.1', port: 0 },
          ttl: '1m',
          maxValueSize: '1MiB',
          l1: false,
          durability: 'normal',
          asyncRequests: false,
          maxLockTtl: '1h',
          logger: false,
        };
        expect(problemsOf(given, { HYPERCACHE_REDIS_URL: 'redis://cache:6379' })).toEqual([]);
      });
    });

    it('never a secret, and no more of a value than helps', () => {
      const secret = 'hunter2'.repeat(3);
      const error = problemsOf({ apiToken: [secret], namespace: 'x'.repeat(1000) });
      expect(JSON.stringify(error)).not.toContain('hunter2');
      expect(JSON.stringify(error).length).toBeLessThan(500);
    });
  });
});
