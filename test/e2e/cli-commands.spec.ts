import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { TOKEN } from '../support/api-client.js';
import {
  freePort,
  settled,
  useProcessClusters,
  type Member,
} from '../support/cluster-processes.js';
import { commandLine, jsonLines, type CommandSurroundings } from '../support/command-line.js';

const KINDS = [
  'the directory of a primary that runs',
  'the directory of a primary that is stopped',
  'the address of a primary',
  'the address of a secondary',
] as const;

const environment = { HYPERCACHE_API_TOKEN: TOKEN };

describe.each(KINDS)('commands on %s', (kind) => {
  const clusters = useProcessClusters();
  let where: string[];
  let primary: Member;
  let isSecondary: boolean;

  beforeEach(async () => {
    const port = await freePort();
    primary = await clusters.primary(port, undefined, undefined, { apiToken: TOKEN });
    const ask = (method: string, ...args: unknown[]) =>
      primary.process.ask('cache', method, ...args);
    await ask('set', 'user:1', { name: 'Ada' }, { ttl: 600_000, tags: ['users', 'admins'] });
    await ask('set', 'user:2', new Map([[1, new Date(5)]]), { tags: ['users'] });
    await ask('set', 'big', 'x'.repeat(5000));
    isSecondary = kind === 'the address of a secondary';
    where = ['--url', `http://127.0.0.1:${port}`];
    if (kind.startsWith('the directory')) where = ['--path', primary.directory];
    if (kind === 'the directory of a primary that is stopped') await primary.process.finish();
    if (isSecondary) {
      const ownPort = await freePort();
      const secondary = await clusters.secondary('second', port, {
        listen: { host: '127.0.0.1', port: ownPort },
        apiToken: TOKEN,
      });
      await settled(primary, [secondary]);
      where = ['--url', `http://127.0.0.1:${ownPort}`];
    }
  });

  const run = (args: readonly string[], around: CommandSurroundings = {}) =>
    commandLine([...args, ...where], { environment, ...around });
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, out, err } = await run([...args, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out);
  };

  it('reads entries', async () => {
    await expect(json('get', 'user:1')).resolves.toEqual({
      key: 'user:1',
      value: { name: 'Ada' },
      ttl: expect.any(Number),
      revision: 1,
      tags: expect.arrayContaining(['admins', 'users']),
    });
    expect((await run(['get', 'user:2'])).out).toBe('[[1,"1970-01-01T00:00:00.005Z"]]\n');
    await expect(run(['get', 'none'])).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining('HC_MISS'),
    });
    const { ttl } = (await json('ttl', 'user:1')) as { ttl: number };
    expect(ttl).toBeGreaterThan(500_000);
    expect(ttl).toBeLessThanOrEqual(600_000);
    expect((await run(['ttl', 'big'])).out).toBe('never\n');
    expect((await run(['keys'])).out).toBe('big\nuser:1\nuser:2\n');
    expect((await run(['keys', 'user:', '--limit', '1'])).out).toBe('user:1\n');
    expect(jsonLines((await run(['keys', 'user:', '--values', '--json'])).out)).toMatchObject([
      { key: 'user:1', value: { name: 'Ada' } },
      { key: 'user:2', ttl: null },
    ]);
    expect(jsonLines((await run(['tags', '--json'])).out)).toEqual([
      { tag: 'users', entries: 2 },
      { tag: 'admins', entries: 1 },
    ]);
    await expect(json('big', '--top', '1')).resolves.toMatchObject({
      entries: [{ namespace: 'default', key: 'big', bytes: 5000 }],
      namespaces: [{ namespace: 'default', entries: 3 }],
    });
    await expect(json('stats')).resolves.toMatchObject({
      role: isSecondary ? 'secondary' : 'primary',
      revision: 3,
    });
    expect((await run(['stats'])).out).toMatch(/^role +\w+ary$/m);
    expect((await run(['dead-letters'])).out).toBe('None.\n');
  });

  it('writes entries, and the application sees them', async () => {
    await expect(json('set', 'a', '{"b":[1,null]}', '--ttl', '5m', '--tag', 't')).resolves.toEqual({
      stored: true,
    });
    await expect(json('get', 'a')).resolves.toMatchObject({ value: { b: [1, null] }, tags: ['t'] });
    expect((await run(['set', 'piped', '-'], { stdin: '"text"' })).code).toBe(0);
    if (primary.process.isRunning) {
      const { value } = await primary.process.ask('cache', 'get', 'a');
      expect(value).toEqual({ b: [1, null] });
    }
    await expect(json('expire', 'none')).resolves.toEqual({ expired: 0 });
    await expect(json('expire', '--prefix', 'big')).resolves.toEqual({ expired: 1 });
    await expect(json('expire', '--tag', 'admins')).resolves.toEqual({ expired: 1 });
    await json('set', 'big', '1');
    await json('set', 'user:1', '1');
    await expect(json('del', 'piped', 'none')).resolves.toEqual({ deleted: 1 });
    await expect(json('del-tag', 't')).resolves.toEqual({ deleted: 1 });
    await expect(json('del-prefix', 'user:')).resolves.toEqual({ deleted: 2 });
    expect((await run(['keys'])).out).toBe('big\n');
    await expect(run(['clear'])).resolves.toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes'),
    });
    await expect(run(['clear'], { answer: 'no' })).resolves.toMatchObject({ code: 1, out: '' });
    expect((await run(['keys'])).out).toBe('big\n');
    await expect(run(['clear'], { answer: 'yes' })).resolves.toMatchObject({ code: 0 });
    expect((await run(['keys'])).out).toBe('');
    if (primary.process.isRunning) {
      expect((await primary.process.ask('cache', 'get', 'big')).value).toBeUndefined();
    }
  });

  it('refuses what no node takes, and stores nothing of it', async () => {
    const tags = Array.from({ length: 65 }, (_, i) => ['--tag', `t${i}`]).flat();
    for (const args of [['--namespace', ''], ['--namespace', 'n'.repeat(257)], tags]) {
      await expect(run(['set', 'refused', '1', ...args])).resolves.toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining('HC_ARGUMENT_INVALID'),
      });
    }
    await expect(json('big')).resolves.toMatchObject({
      namespaces: [{ namespace: 'default', entries: 3 }],
    });
  });

  it('lists locks, and takes one from its holder', async () => {
    expect((await run(['locks'])).out).toBe('None is held.\n');
    if (!primary.process.isRunning) return;
    await primary.process.ask('member', 'acquire', 'nightly', { ttl: 60_000 });
    expect(jsonLines((await run(['locks', '--json'])).out)).toMatchObject([
      { kind: 'lock', name: 'nightly', remaining: expect.any(Number) },
    ]);
    await expect(run(['locks', '--release', 'nightly'])).resolves.toMatchObject({ code: 2 });
    await expect(json('locks', '--release', 'nightly', '--yes')).resolves.toEqual({
      released: true,
    });
    await expect(json('locks', '--release', 'nightly', '--yes')).resolves.toEqual({
      released: false,
    });
    expect((await run(['locks'])).out).toBe('None is held.\n');
  });

  it('tells changes while they happen', async () => {
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const watching = run(['watch', 'w', '--count', '2', '--json'], {
      signal: AbortSignal.timeout(30_000),
      onErr: (err) => {
        if (err.includes('Watching')) begin();
      },
    });
    await begun;
    await run(['set', 'other', '1']);
    await run(['set', 'w1', '1']);
    await run(['del', 'w1']);
    const changes = jsonLines((await watching).out) as { kind: string; key: string }[];
    expect(changes.map(({ key }) => key)).toEqual(['w1', 'w1']);
    expect(changes[1]).toMatchObject({ kind: 'del', namespace: 'default' });
  });

  it('carries all entries over, with tags, types and the time that is left', async () => {
    const file = join(clusters.directory(), 'all.ndjson');
    await expect(run(['export', '--to', file])).resolves.toMatchObject({
      code: 0,
      out: expect.stringContaining('Exported 3 entries'),
    });
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect((await run(['export'])).out.split('\n')).toHaveLength(4);
    await expect(run(['export', '--to', file])).resolves.toMatchObject({ code: 2 });
    expect(lines).toHaveLength(3);
    await run(['clear', '--yes']);
    await expect(json('import', file)).resolves.toEqual({ entries: 3, lines: 3 });
    await expect(json('get', 'user:1')).resolves.toMatchObject({ value: { name: 'Ada' } });
    const { ttl } = (await json('ttl', 'user:1')) as { ttl: number };
    expect(ttl).toBeGreaterThan(500_000);
    expect(ttl).toBeLessThanOrEqual(600_000);
    expect((await run(['ttl', 'big'])).out).toBe('never\n');
    expect(jsonLines((await run(['tags', '--json'])).out)).toHaveLength(2);
    if (primary.process.isRunning) {
      const { value } = await primary.process.ask('cache', 'get', 'user:2');
      expect(value).toEqual(new Map([[1, new Date(5)]]));
    }
    const mixed = join(clusters.directory(), 'mixed.ndjson');
    writeFileSync(mixed, '{"key":"in","value":1,"namespace":"other"}\n\n{"key":"x"}\n');
    await expect(run(['import', mixed])).resolves.toMatchObject({
      code: 1,
      err: expect.stringMatching(/--from-line 1\n.*HC_IMPORT_INVALID: Line 3 /s),
    });
    writeFileSync(mixed, '{"key":"in","value":1,"namespace":"other"}');
    expect((await run(['import', mixed])).code).toBe(0);
    expect((await run(['keys', '--namespace', 'other'])).out).toBe('in\n');
    for (const wrong of [{ namespace: '' }, { tags: Array.from({ length: 65 }, String) }]) {
      writeFileSync(mixed, JSON.stringify({ key: 'x', value: 1, ...wrong }));
      await expect(run(['import', mixed])).resolves.toMatchObject({
        code: 1,
        err: expect.stringContaining('HC_IMPORT_INVALID: Line 1 '),
      });
    }
  });

  it('exports to a name once, however many do it at the same time', async () => {
    const file = join(clusters.directory(), 'all.ndjson');
    const ends = await Promise.all(
      Array.from({ length: 4 }, async () => run(['export', '--to', file])),
    );
    expect(ends.map(({ code }) => code).toSorted()).toEqual([0, 2, 2, 2]);
    expect(jsonLines(readFileSync(file, 'utf8'))).toHaveLength(3);
    expect(readdirSync(dirname(file)).filter((name) => name.includes('.ndjson'))).toEqual([
      'all.ndjson',
    ]);
  });

  it('measures', async () => {
    const { rows } = (await json('bench', '--time', '20')) as { rows: { rate: number }[] };
    expect(rows.length).toBeGreaterThanOrEqual(4);
    for (const { rate } of rows) expect(rate).toBeGreaterThan(0);
    expect(readdirSync(primary.directory).filter((name) => name.includes('bench'))).toEqual([]);
  });
});

describe('commands on the directory of a secondary', () => {
  const clusters = useProcessClusters();

  it('read, and write nothing', async () => {
    const port = await freePort();
    const primary = await clusters.primary(port, undefined, undefined, { apiToken: TOKEN });
    await primary.process.ask('cache', 'set', 'a', 1, { tags: ['t'] });
    const secondary = await clusters.secondary('second', port, { apiToken: TOKEN });
    await settled(primary, [secondary]);
    const where = ['--path', secondary.directory];

    for (const isRunning of [true, false]) {
      if (!isRunning) await secondary.process.finish();
      expect((await commandLine(['keys', ...where])).out).toBe('a\n');
      expect((await commandLine(['get', 'a', ...where])).out).toBe('1\n');
      expect((await commandLine(['stats', ...where])).out).toMatch(/role +secondary/);
      for (const args of [
        ['set', 'b', '1'],
        ['del', 'a'],
        ['del-tag', 't'],
        ['del-prefix', 'a'],
        ['clear', '--yes'],
        ['locks'],
        ['locks', '--release', 'x', '--yes'],
      ]) {
        await expect(commandLine([...args, ...where])).resolves.toMatchObject({
          code: 1,
          out: '',
          err: expect.stringContaining('HC_NOT_PRIMARY'),
        });
      }
      const letters = await commandLine(['dead-letters', ...where]);
      if (isRunning)
        expect(letters).toMatchObject({ code: 1, err: expect.stringContaining('--url') });
      else expect(letters.out).toBe('None.\n');
    }
    expect((await primary.process.ask('cache', 'get', 'a')).value).toBe(1);
  });
});

describe('a command line that is wrong', () => {
  const path = ['--path', '/nowhere'];

  it.each([
    [['elect'], 2, /no command 'elect'/],
    [['get', ...path], 2, /needs <key>/],
    [['get', 'a', 'b', ...path], 2, /'b' means nothing/],
    [['expire', ...path], 2, /needs <key>, --prefix or --tag/],
    [['expire', 'a', '--tag', 'b', ...path], 2, /needs <key>/],
    [['get', 'a'], 2, /--path <dir> or --url/],
    [['get', 'a', ...path, '--url', 'http://x'], 2, /one of them/],
    [['keys', ...path, '--limit', 'many'], 2, /--limit is no whole number/],
    [['keys', ...path, '--limit=0'], 2, /--limit/],
    [['keys', ...path, '--lim', '3'], 2, /--lim/],
    [['set', 'a', 'text', ...path], 2, /no JSON/],
    [['set', 'a', '1', '--ttl', '5', '--ttl', '5 minutes', ...path], 2, /HC_TTL_INVALID/],
    [['set', 'a', '1', '--ttl', '-5s', ...path], 2, /--ttl/],
    [['get', 'a', '--url', 'ftp://x'], 2, /no http, https or redis URL/],
    [['get', 'a', '--url', 'http://100%:p@x'], 2, /no http, https or redis URL/],
    [['get', 'a', '--url', 'http://127.0.0.1:1'], 2, /HYPERCACHE_API_TOKEN/],
    [['get', 'a', '--url', 'http://x', '--token', 'geheim'], 2, /set HYPERCACHE_API_TOKEN/],
    [['get', 'a', '--url', 'http://x', '--token=geheim'], 2, /set HYPERCACHE_API_TOKEN/],
    [['keys', ...path], 1, /HC_STORAGE_OPEN/],
    [['promote'], 2, /needs --path/],
    [['backup', '--path', '.'], 2, /needs --to/],
    [['promote', '--url', 'http://x'], 2, /--url/],
    [['help', 'nothing'], 2, /no command 'nothing'/],
  ])('is told: %p', async (args, code, message) => {
    const end = await commandLine(args);
    expect(end).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
    expect(end.err).not.toContain('geheim');
  });

  it('is told as JSON where that is asked for', async () => {
    const { err } = await commandLine(['keys', ...path, '--json']);
    expect(JSON.parse(err)).toMatchObject({ code: 'HC_STORAGE_OPEN', message: expect.any(String) });
  });

  it('is told what answered, when it is no node', async () => {
    const { code, err } = await commandLine(
      ['stats', '--url', `http://127.0.0.1:${await freePort()}`],
      { environment },
    );
    expect(code).toBe(1);
    expect(err).toMatch(/^HC_PRIMARY_UNREACHABLE/);
  });
});

describe('--url of another program', () => {
  let server: Server;
  beforeEach(async () => {
    // Its answer has a beginning, and no end.
    server = createServer((_request, response) => void response.write('{'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is refused without reading what it answers', async () => {
    const { port } = server.address() as AddressInfo;
    await expect(
      commandLine(['stats', '--url', `http://127.0.0.1:${port}`], { environment }),
    ).resolves.toMatchObject({ code: 1, err: expect.stringMatching(/^HC_PRIMARY_FOREIGN/) });
  });
});

describe('help', () => {
  it('is there for each command, with an example that works', async () => {
    const { out } = await commandLine(['help']);
    const names = Array.from(out.matchAll(/^ {2}([a-z-]+) {2,}/gm), ([, name = '']) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names.filter((each) => each !== 'help')) {
      const help = await commandLine(['help', name]);
      expect(help).toMatchObject({
        code: 0,
        out: expect.stringContaining(`npx --no hypercache ${name}`),
      });
      expect((await commandLine([name, '--help'])).out).toBe(help.out);
    }
  });

  it('prints the version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect((await commandLine(['--version'])).out).toBe(`${version}\n`);
    expect(existsSync('package.json')).toBe(true);
  });
});
