import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { checkInstallScripts } from '../../lib/admin/doctor/check-runtime.js';
import { examine, type Complaint } from '../../lib/admin/doctor/examine.js';
import type { Finding } from '../../lib/admin/doctor/finding.js';
import { TOKEN } from '../support/api-client.js';
import { freePort, settled, useProcessClusters } from '../support/cluster-processes.js';
import { commandLine } from '../support/command-line.js';
import { useNodeProcesses } from '../support/node-process.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';
import { root } from '../architecture/support/source-files.js';

const PEERS = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/cache-manager',
  'cache-manager',
  'keyv',
  'better-sqlite3',
];

const directories = useTemporaryDirectories();
const start = useNodeProcesses();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** An application in which everything is as it should be. */
function application(): string {
  const home = directories();
  writeFileSync(join(home, 'package.json'), '{ "name": "app" }');
  writeFileSync(join(home, 'package-lock.json'), '{}');
  for (const name of PEERS) {
    const path = join(home, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), path);
  }
  return home;
}

/** A package that is not what it should be, beside an application. */
function packageOf(home: string, name: string, manifest: object, main = ''): string {
  const own = join(home, 'own', name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name, ...manifest }));
  writeFileSync(join(own, 'index.js'), main);
  return own;
}

/** With its package manager's lock, one file that says what it allows, and its manifest. */
function appWithLock(lock: string, path: string, text: string, manifest: object): string {
  const home = directories();
  writeFileSync(join(home, lock), '');
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
  return home;
}

const complaint = (home: string, more: Partial<Complaint> = {}): Complaint => ({
  application: home,
  directory: join(home, 'storage/hypercache'),
  environment: {},
  url: undefined,
  apiPath: '/api/hypercache',
  statFs: () => ({ type: 0xef53, bavail: 1e9, bsize: 4096 }),
  ...more,
});

const patientIn = (home: string) =>
  ({ application: home }) as unknown as Parameters<typeof checkInstallScripts>[0];

const wrongIn = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ level }) => level === 'warning' || level === 'problem');

/** What is wrong, and what to do, of a set-up that is broken in one way. */
async function wrongOf(given: Complaint): Promise<Finding[]> {
  const wrong = wrongIn(await examine(given));
  for (const { fix = '' } of wrong) expect(fix.length).toBeGreaterThan(10);
  return wrong;
}

describe('doctor', () => {
  it('finds nothing in an application that is as it should be', async () => {
    const home = application();
    expect(await wrongOf(complaint(home))).toEqual([]);
    const node = await start('remote', {
      options: { sqlitePath: join(home, 'storage/hypercache') },
    });
    await node.ask('cache', 'set', 'a', 1);
    expect(await wrongOf(complaint(home))).toEqual([]);
    await node.finish();
    expect(await wrongOf(complaint(home))).toEqual([]);
  });

  it('1: names a Node that is too old', async () => {
    expect(await wrongOf(complaint(application(), { nodeVersion: '20.11.1' }))).toEqual([
      expect.objectContaining({
        check: 'node',
        level: 'problem',
        fix: expect.stringContaining('20.19'),
      }),
    ]);
  });

  it.each([
    ['package-lock.json', /npm install-scripts approve better-sqlite3/],
    ['pnpm-lock.yaml', /pnpm approve-builds better-sqlite3/],
    ['yarn.lock', /dependenciesMeta/],
    ['bun.lock', /bun pm trust better-sqlite3/],
  ])(
    '2: names a binary that is missing, and the setting of the package manager (%s)',
    async (lock, fix) => {
      const home = application();
      const own = packageOf(
        home,
        'better-sqlite3',
        { version: '12.11.1' },
        "throw new Error('Could not locate the bindings file')",
      );
      const findings = await examine(complaint(appWith(home, 'better-sqlite3', own, lock)));
      expect(findings.find(({ check }) => check === 'better-sqlite3')).toMatchObject({
        level: 'problem',
        fix: expect.stringMatching(fix),
      });
    },
  );

  it('3: names a binary that would crash this Node', async () => {
    const home = application();
    const own = packageOf(home, 'better-sqlite3', { version: '13.0.2' });
    const given = complaint(appWith(home, 'better-sqlite3', own), { nodeApi: 9 });
    expect(await wrongOf(given)).toMatchObject([
      {
        check: 'better-sqlite3',
        said: expect.stringContaining('Node-API 10'),
        fix: expect.stringContaining('better-sqlite3@12'),
      },
    ]);
  });

  it('4: names install scripts that are blocked', async () => {
    const home = application();
    writeFileSync(join(home, '.npmrc'), 'ignore-scripts=true\n');
    expect(await wrongOf(complaint(home))).toMatchObject([
      {
        check: 'install scripts',
        level: 'problem',
        fix: expect.stringContaining('ignore-scripts'),
      },
    ]);
  });

  it.each([
    [
      'npm',
      'package-lock.json',
      '.npmrc',
      'ignore-scripts=true\n',
      { allowScripts: { 'better-sqlite3': true } },
    ],
    ['npm', 'package-lock.json', '.npmrc', '', { allowScripts: { 'better-sqlite3': false } }],
    [
      'pnpm 12',
      'pnpm-lock.yaml',
      'node_modules/.modules.yaml',
      'packageManager: pnpm@12.21.0\n',
      { pnpm: { onlyBuiltDependencies: ['better-sqlite3'] } },
    ],
    [
      'pnpm 12',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      'allowBuilds:\n  better-sqlite3: set this to true or false\n',
      { packageManager: 'pnpm@12.21.0' },
    ],
    [
      'pnpm 10',
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      'allowBuilds:\n  better-sqlite3: false\n',
      { pnpm: { onlyBuiltDependencies: ['better-sqlite3'] } },
    ],
  ])(
    '4: names them where %s overrules a permission (%s, %s: %j)',
    (_manager, lock, path, text, manifest) => {
      const home = appWithLock(lock, path, text, manifest);
      expect(checkInstallScripts(patientIn(home))).toMatchObject([{ level: 'problem' }]);
    },
  );

  it.each([
    ['package-lock.json', '.npmrc', '', {}],
    [
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      'allowBuilds:\n  better-sqlite3: true\n',
      { packageManager: 'pnpm@12.21.0' },
    ],
    [
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      'onlyBuiltDependencies:\n  - better-sqlite3\n',
      { packageManager: 'pnpm@10.20.0' },
    ],
    [
      'pnpm-lock.yaml',
      'pnpm-workspace.yaml',
      '',
      { pnpm: { onlyBuiltDependencies: ['better-sqlite3'] } },
    ],
  ])('4: accepts a permission that counts (%s, %s: %j)', (lock, path, text, manifest) => {
    const home = appWithLock(lock, path, text, manifest);
    expect(checkInstallScripts(patientIn(home))).toMatchObject([{ level: 'ok' }]);
  });

  it('5: names two copies of a package, and where they are', async () => {
    const home = application();
    const library = join(home, 'node_modules/nestjs-hypercache');
    mkdirSync(join(library, 'node_modules/@nestjs/common'), { recursive: true });
    writeFileSync(join(library, 'package.json'), '{ "version": "0.1.0" }');
    writeFileSync(
      join(library, 'node_modules/@nestjs/common/package.json'),
      '{ "version": "11.0.0" }',
    );
    expect(await wrongOf(complaint(home))).toMatchObject([
      {
        check: 'copies of @nestjs/common',
        said: expect.stringContaining('11.0.0'),
        fix: expect.stringContaining('dedupe'),
      },
    ]);
  });

  it('6: names keyv 6 with cache-manager 7', async () => {
    const home = application();
    const own = packageOf(home, 'keyv', { version: '6.1.0' });
    const wrong = await wrongOf(complaint(appWith(home, 'keyv', own)));
    expect(wrong).toContainEqual(
      expect.objectContaining({
        check: 'keyv with cache-manager',
        fix: expect.stringContaining('keyv@5'),
      }),
    );
  });

  it('7: names a Jest that cannot load what Nest 12 is', async () => {
    const home = application();
    writeFileSync(
      join(home, 'package.json'),
      '{ "scripts": { "test": "jest" }, "devDependencies": { "jest": "30" } }',
    );
    expect(await wrongOf(complaint(home))).toMatchObject([
      { check: 'jest', fix: expect.stringContaining('--experimental-vm-modules') },
    ]);
  });

  it('8: names a variable that is misspelled, and one that is wrong', async () => {
    const environment = { HYPERCACHE_ROLE: 'secondary', HYPERCACHE_TIMEOUT: 'soon' };
    expect(await wrongOf(complaint(application(), { environment }))).toMatchObject([
      {
        said: expect.stringContaining('HYPERCACHE_ROLE'),
        fix: expect.stringContaining('HYPERCACHE_SERVER_ROLE'),
      },
      { said: expect.stringContaining('HYPERCACHE_TIMEOUT') },
    ]);
  });

  it('9: names a token that does not look random, and does not print it', async () => {
    const weak = `${'ab'.repeat(7)}c${'ba'.repeat(9)}d`;
    const wrong = await wrongOf(
      complaint(application(), { environment: { HYPERCACHE_API_TOKEN: weak } }),
    );
    expect(wrong).toMatchObject([
      { check: 'tokens', fix: expect.stringContaining('openssl rand') },
    ]);
    expect(JSON.stringify(wrong)).not.toContain(weak);
  });

  it('10: names a directory that is none', async () => {
    const home = application();
    writeFileSync(join(home, 'storage'), '');
    expect(await wrongOf(complaint(home))).toMatchObject([
      {
        check: 'directory',
        said: expect.stringContaining('storage'),
        fix: expect.stringContaining('sqlitePath'),
      },
    ]);
  });

  it.each([
    ['11: NFS', 0x6969, 'problem', /local disk/],
    ['11: CIFS', 0xff534d42 | 0, 'problem', /local disk/],
    ['12: the layer of a container', 0x794c7630, 'warning', /volume/],
    ['12: memory', 0x01021994, 'warning', /disk/],
  ])('names a file system that is %s', async (_, type, level, fix) => {
    const statFs = () => ({ type, bavail: 1e9, bsize: 4096 });
    const findings = await examine(complaint(application(), { statFs }));
    const found = findings.find(({ check }) => check === 'file system');
    expect(found?.level).toBe(level);
    expect(found?.fix).toMatch(fix);
  });

  it('13: names a disk that is smaller than the file may grow', async () => {
    const statFs = () => ({ type: 0xef53, bavail: 1000, bsize: 4096 });
    expect(await wrongOf(complaint(application(), { statFs }))).toMatchObject([
      { check: 'free space', fix: expect.stringContaining('maxSize') },
    ]);
    const environment = { HYPERCACHE_MAX_SIZE: '4MB' };
    expect(
      wrongIn(await examine(complaint(application(), { statFs, environment }))),
    ).not.toContainEqual(
      expect.objectContaining({ check: 'free space', said: expect.stringContaining('default') }),
    );
  });

  it('14: names a log that has grown', async () => {
    const home = application();
    const { directory } = complaint(home);
    const node = await start('remote', { options: { sqlitePath: directory } });
    await node.ask('cache', 'set', 'a', 1);
    await node.finish();
    const wal = join(directory, 'hypercache.sqlite-wal');
    writeFileSync(wal, '');
    truncateSync(wal, 100 * 1024 * 1024);
    expect(await wrongOf(complaint(home))).toMatchObject([
      { check: 'write-ahead log', fix: expect.stringContaining('sqlite3') },
    ]);
  });

  it('15: names a file that is damaged, that of another release, and that of another program', async () => {
    const home = application();
    const { directory } = complaint(home);
    const path = join(directory, 'hypercache.sqlite');
    const node = await start('remote', { options: { sqlitePath: directory } });
    for (let i = 0; i < 50; i++) await node.ask('cache', 'set', `key-${i}`, 'x'.repeat(900));
    await node.finish();
    const sound = readFileSync(path);

    const damaged = Buffer.from(sound);
    damaged.fill(0xab, 3000, 20_000);
    writeFileSync(path, damaged);
    expect(await wrongOf(complaint(home))).toMatchObject([
      { check: 'integrity', level: 'problem', fix: expect.stringContaining('backup') },
    ]);

    writeFileSync(path, sound);
    const newer = new Database(path);
    newer.pragma('user_version = 999');
    newer.close();
    expect(await wrongOf(complaint(home))).toMatchObject([
      { check: 'file', said: expect.stringContaining('HC_SCHEMA_NEWER') },
    ]);

    writeFileSync(path, 'no database');
    expect(await wrongOf(complaint(home))).toMatchObject([{ check: 'integrity' }]);
  });

  it('16: names a file of another role', async () => {
    const home = application();
    const { directory } = complaint(home);
    const node = await start('remote', { options: { sqlitePath: directory } });
    await node.finish();
    const environment = {
      HYPERCACHE_SERVER_ROLE: 'secondary',
      HYPERCACHE_PRIMARY_URL: `http://127.0.0.1:${await freePort()}`,
      HYPERCACHE_API_TOKEN: TOKEN,
    };
    expect(await wrongOf(complaint(home, { environment }))).toMatchObject([
      { check: 'role', fix: expect.stringContaining('adopt') },
      { check: 'primary', said: expect.stringContaining('HC_PRIMARY_UNREACHABLE') },
    ]);
  });
});

describe('doctor at a primary', () => {
  const clusters = useProcessClusters();
  const environment = { HYPERCACHE_API_TOKEN: TOKEN };

  it('17: finds it well, and names a secondary, a wrong token, and another program', async () => {
    const port = await freePort();
    const own = await freePort();
    const primary = await clusters.primary(port, undefined, undefined, { apiToken: TOKEN });
    const secondary = await clusters.secondary('second', port, {
      apiToken: TOKEN,
      listen: { host: '127.0.0.1', port: own },
    });
    await settled(primary, [secondary]);
    const at = (url: string, more = {}): Complaint =>
      complaint(application(), { url, environment: { ...environment, ...more } });

    const url = `http://127.0.0.1:${port}`;
    const findings = await examine(at(url));
    expect(wrongIn(findings)).toEqual([]);
    expect(findings).toContainEqual({ check: 'change feed', level: 'ok', said: 'it flows' });
    expect(await wrongOf({ ...at(url), apiPath: 'api/hypercache/' })).toEqual([]);
    expect(await wrongOf(at('http://100%:p@x'))).toMatchObject([
      { check: 'primary', said: expect.stringContaining('no http or https URL') },
    ]);
    expect(await wrongOf(at(`http://127.0.0.1:${own}`))).toMatchObject([
      { check: 'primary', said: expect.stringContaining('as a secondary') },
    ]);
    const other = { HYPERCACHE_API_TOKEN: 'b1946ac92492d2347c6235b4d2611184' };
    expect(await wrongOf(at(url, other))).toMatchObject([
      { said: expect.stringContaining('HC_UNAUTHORIZED') },
    ]);
    expect(await wrongOf(at(`${url}/elsewhere`))).toMatchObject([
      { said: expect.stringContaining('HC_PRIMARY_FOREIGN') },
    ]);

    const cli = await commandLine(
      ['doctor', '--app', application(), '--path', primary.directory, '--url', url, '--json'],
      { environment },
    );
    expect(cli.err).toBe('');
    expect(cli.out).toContain('"check":"change feed"');
  });

  it('18: names a proxy that keeps the feed, and a clock that is wrong', async () => {
    const port = await freePort();
    await clusters.primary(port, undefined, undefined, { apiToken: TOKEN });
    const proxy = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const passed = request({ port, host: '127.0.0.1', method, path: url, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            const date = new Date(Date.now() + 60_000).toUTCString();
            outgoing.writeHead(answer.statusCode ?? 500, { ...answer.headers, date });
            outgoing.end(Buffer.concat(chunks));
          });
      });
      passed.on('error', () => outgoing.destroy());
      outgoing.on('close', () => passed.destroy());
      incoming.pipe(passed);
    }).listen(0, '127.0.0.1');
    servers.push(proxy);
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    expect(
      await wrongOf(complaint(application(), { url, environment, feedTimeoutMs: 2500 })),
    ).toMatchObject([
      { check: 'clocks', said: expect.stringMatching(/(59|60) s ahead/) },
      { check: 'change feed', fix: expect.stringContaining('proxy_buffering off') },
    ]);
    proxy.close();
  });
});

/** The application with another package in the place of one. */
function appWith(home: string, name: string, own: string, lock = 'package-lock.json'): string {
  const other = directories();
  cpSync(join(home, 'package.json'), join(other, 'package.json'));
  writeFileSync(join(other, lock), '');
  for (const peer of PEERS) {
    const path = join(other, 'node_modules', peer);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(peer === name ? own : join(root, 'node_modules', peer), path);
  }
  return other;
}
