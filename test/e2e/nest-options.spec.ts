import { beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HyperCacheModule } from 'nestjs-hypercache';
import { useNestApps } from '../support/nest-apps.js';
import { problemsOf, refusal } from '../support/refused-start.js';

const apps = useNestApps();
let directory = '';
beforeEach(() => {
  directory = apps.directory();
});

const SECRET = 'correct-horse-battery-staple-0123456789';

describe('wrong options', () => {
  it('are reported all at once, each with name, value and what to write instead', async () => {
    const error = await refusal(apps, {
      sqlitePath: '',
      role: 'master',
      ttl: '5 minutes',
      maxSize: 1000,
      isolation: 'clone',
      durability: 'always',
      maxEntrys: 10,
    });

    expect(error).toMatchObject({ name: 'InvalidOptionsError', code: 'HC_OPTIONS_INVALID' });
    const lines = error.message.split('\n').filter((line) => line.startsWith('  - '));
    expect(lines).toHaveLength(7);
    expect(lines).toEqual(
      expect.arrayContaining([
        "  - sqlitePath is '': write the path of a directory; for a cache in memory only, one on tmpfs such as /dev/shm/hypercache",
        "  - role is 'master': write 'primary' or 'secondary'",
        "  - ttl is '5 minutes': write milliseconds as a number from 0, or a duration such as '5m'; 0 means no expiry",
        "  - maxSize is 1000: write bytes as a whole number of at least 4194304, or a size such as '64MiB'",
        "  - isolation is 'clone': write 'copy', 'freeze' or 'share'",
        "  - durability is 'always': write 'relaxed', 'normal' or 'full'",
        '  - maxEntrys is not an option: write maxEntries',
      ]),
    );
    expect(error.message).toContain('7 options are wrong');
  });

  it('leave no file behind', async () => {
    const path = join(directory, 'new');

    await refusal(apps, { sqlitePath: path, ttl: -1 });

    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['role', 'Primary'],
    ['role', ''],
    ['primaryUrl', 'localhost:3000'],
    ['primaryUrl', 'ftp://primary'],
    ['primaryUrl', 'http://me:50%off@primary'],
    ['primaryUrl', 42],
    ['apiToken', 'too short'],
    ['apiToken', []],
    ['apiToken', [SECRET, 'too short']],
    ['apiToken', 42],
    ['timeout', 0],
    ['timeout', 1.5],
    ['timeout', 2 ** 31],
    ['timeout', '2000'],
    ['asyncRequests', 'yes'],
    ['sqlitePath', 42],
    ['ttl', -1],
    ['ttl', Number.NaN],
    ['ttl', null],
    ['namespace', ''],
    ['namespace', 'x'.repeat(257)],
    ['namespace', '\ud800'],
    ['isGlobal', 'false'],
    ['l1', true],
    ['l1', null],
    ['l1', { maxEntries: 0 }],
    ['l1', { maxBytes: -1 }],
    ['l1', { entries: 10 }],
    ['isolation', 'Copy'],
    ['durability', 'FULL'],
    ['maxSize', 4 * 1024 * 1024 - 1],
    ['maxSize', '1 GB'],
    ['maxEntries', 0],
    ['maxValueSize', 0],
    ['maxValueSize', 256 * 1024 * 1024 + 1],
    ['changeLogEntries', 0],
    ['changeLogAge', -1],
    ['sweepInterval', 0],
    ['sweepInterval', 3_600_001],
    ['logger', true],
    ['logger', { log: () => undefined }],
  ])('%s of %j is one', async (option, value) => {
    await expect(problemsOf(apps, { [option]: value })).resolves.toEqual([
      { option, value: expect.any(String), instead: expect.stringMatching(/^(write|pass) /) },
    ]);
  });

  it.each([
    ['sqlitepath', 'sqlitePath'],
    ['sqlPath', undefined],
    ['TTL', 'ttl'],
    ['maxEntires', 'maxEntries'],
    ['isolaton', 'isolation'],
    ['name_space', 'namespace'],
    ['apitoken', 'apiToken'],
    ['stores', undefined],
    ['refreshThreshold', undefined],
  ])('%s is unknown, and %s is suggested', async (name, suggestion) => {
    await expect(problemsOf(apps, { [name]: 1 })).resolves.toEqual([
      {
        option: name,
        value: 'not an option',
        instead: suggestion === undefined ? 'remove it' : `write ${suggestion}`,
      },
    ]);
  });

  it.each([
    ['a role that does not exist', 'master', /role is 'master'/],
    ['a number', 42, /argument of forRoot\(\) is 42/],
    ['an array', [], /argument of forRoot\(\) is an array/],
  ])('%s in place of the options is one', async (_what, argument, message) => {
    process.env['HYPERCACHE_SQLITE_PATH'] = directory;

    const error = await refusal(apps, argument);

    expect(error).toMatchObject({
      code: 'HC_OPTIONS_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('from a factory are reported the same way', async () => {
    const starting = apps.context({
      imports: [
        HyperCacheModule.forRootAsync({
          useFactory: () => ({ sqlitePath: directory, ttl: -1, maxEntries: 0 }),
        }),
      ],
    });

    await expect(starting).rejects.toMatchObject({
      code: 'HC_OPTIONS_INVALID',
      problems: [{ option: 'ttl' }, { option: 'maxEntries' }],
    });
  });

  it('undefined is no value: the default holds', async () => {
    const app = await apps.context({
      imports: [
        HyperCacheModule.forRoot({
          sqlitePath: directory,
          ttl: undefined,
          role: undefined,
          l1: { maxEntries: undefined },
        }),
      ],
    });

    expect(app).toBeDefined();
  });
});

describe('a token', () => {
  it.each([
    ['too short', { apiToken: 'hunter2-secret' }, 'hunter2'],
    ['one of a list', { apiToken: [SECRET, 'hunter2-secret'] }, 'hunter2'],
    ['under a misspelled name', { apiTokens: SECRET }, SECRET],
    ['beside other problems', { apiToken: SECRET, ttl: -1 }, SECRET],
  ])('is never shown: %s', async (_what, options, secret) => {
    const error = await refusal(apps, { sqlitePath: directory, ...options });

    expect(error).toMatchObject({ code: 'HC_OPTIONS_INVALID' });
    expect(JSON.stringify([error.message, error.stack, error])).not.toContain(secret);
  });

  it('is never shown: from the environment', async () => {
    process.env['HYPERCACHE_API_TOKEN'] = `${SECRET},hunter2-secret`;

    const error = await refusal(apps, { sqlitePath: directory });

    expect(error.message).toContain('HYPERCACHE_API_TOKEN');
    expect(JSON.stringify([error.message, error.stack, error])).not.toMatch(/hunter2|horse/);
  });
});
