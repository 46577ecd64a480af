import { describe, expect, it } from '@jest/globals';
import { HyperCacheModule } from 'nestjs-hypercache';
import { useNestApps } from '../support/nest-apps.js';
import { problemsOf, refusal } from '../support/refused-start.js';

const apps = useNestApps();

const SECRET = 'correct-horse-battery-staple-0123456789';

describe('wrong environment variables', () => {
  it('are named as the variable, together with the options that are wrong', async () => {
    process.env['HYPERCACHE_SERVER_ROLE'] = 'leader';
    process.env['HYPERCACHE_TIMEOUT'] = '2 s';
    process.env['HYPERCACHE_ASYNC'] = 'maybe';
    process.env['HYPERCACHE_PRIMARY_URL'] = 'primary.local';

    await expect(problemsOf(apps, { ttl: -1 })).resolves.toEqual([
      {
        option: 'HYPERCACHE_SERVER_ROLE (option role)',
        value: "'leader'",
        instead: "write 'primary' or 'secondary'",
      },
      expect.objectContaining({
        option: 'HYPERCACHE_PRIMARY_URL (option primaryUrl)',
        value: "'primary.local'",
      }),
      expect.objectContaining({ option: 'HYPERCACHE_TIMEOUT (option timeout)' }),
      expect.objectContaining({
        option: 'HYPERCACHE_ASYNC (option asyncRequests)',
        value: "'maybe'",
      }),
      expect.objectContaining({ option: 'ttl' }),
    ]);
  });

  it.each([
    ['HYPERCACHE_TIMEOUT', ' '],
    ['HYPERCACHE_TIMEOUT', '0'],
    ['HYPERCACHE_TIMEOUT', '-5'],
    ['HYPERCACHE_TIMEOUT', '1e400'],
    ['HYPERCACHE_ASYNC', '2'],
    ['HYPERCACHE_API_TOKEN', ','],
    ['HYPERCACHE_API_TOKEN', `${SECRET},`],
  ])('%s of %j is one', async (name, text) => {
    process.env[name] = text;

    await expect(problemsOf(apps, {})).resolves.toEqual([
      expect.objectContaining({ option: expect.stringContaining(`${name} (option `) }),
    ]);
  });

  it.each([
    ['HYPERCACHE_ASYNC', 'TRUE'],
    ['HYPERCACHE_ASYNC', '0'],
    ['HYPERCACHE_TIMEOUT', ' 500 '],
    ['HYPERCACHE_API_TOKEN', `${SECRET}, ${SECRET}2`],
    ['HYPERCACHE_PRIMARY_URL', 'https://primary.local/base'],
  ])('%s of %j is none', async (name, text) => {
    process.env[name] = text;

    await apps.context({ imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory() })] });
  });

  it('do not matter where the code gives the option', async () => {
    process.env['HYPERCACHE_TIMEOUT'] = 'nonsense';

    await apps.context({
      imports: [HyperCacheModule.forRoot({ sqlitePath: apps.directory(), timeout: 500 })],
    });
  });
});

describe("role 'secondary'", () => {
  it('names everything that it needs and does not have, and the variables', async () => {
    await expect(problemsOf(apps, { role: 'secondary' })).resolves.toEqual([
      {
        option: 'primaryUrl',
        value: 'missing',
        instead: expect.stringContaining('HYPERCACHE_PRIMARY_URL'),
      },
      {
        option: 'apiToken',
        value: 'missing',
        instead: expect.stringContaining('HYPERCACHE_API_TOKEN'),
      },
    ]);
  });

  it('given as a shorthand is told the same', async () => {
    const error = await refusal(apps, 'secondary');

    expect(error).toMatchObject({
      code: 'HC_OPTIONS_INVALID',
      problems: [{ option: 'primaryUrl' }, { option: 'apiToken' }],
    });
  });

  it('reports a wrong primaryUrl once, as wrong', async () => {
    await expect(
      problemsOf(apps, { role: 'secondary', primaryUrl: 'nonsense', apiToken: SECRET }),
    ).resolves.toEqual([expect.objectContaining({ option: 'primaryUrl', value: "'nonsense'" })]);
  });
});
