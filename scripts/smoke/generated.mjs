// Generates applications with Nest's own generators, installs the packed library as README says, and runs what a new user runs:
// the tests of the application and one that injects the cache, a build, and a start. `nest add` runs in a copy of each.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serveLibrary } from './registry.mjs';
import { cleanEnvironment, inTemporaryDirectory, pack, root } from './tarball.mjs';

const QUIET = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** `peers` as README has them, `test` as the generator's own package.json runs them. */
const APPS = [
  { nest: 11, test: ['jest'], build: ['nest', 'build', '--webpack'], swc: true },
  { nest: 12, test: ['vitest', 'run'], build: ['nest', 'build'], swc: false },
];

const SPEC = `import { Test } from '@nestjs/testing';
import { CACHE_MANAGER, type Cache } from '@nestjs/cache-manager';
import { Inject, Injectable } from '@nestjs/common';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';
import {
  createTestCluster,
  expectCached,
  faultsOf,
  HYPERCACHE_ENVIRONMENT,
  HyperCacheTestingModule,
  recordEvents,
  stubEnvironment,
  TestClock,
} from 'nestjs-hypercache/testing';
import { AppModule } from 'APP_MODULE';
GLOBALS
@Injectable()
class Products {
  constructor(
    @Inject(HyperCache) readonly cache: HyperCache,
    @Inject(CACHE_MANAGER) readonly manager: Cache,
  ) {}
}

it('injects the cache', async () => {
  const module = await Test.createTestingModule({
    imports: [HyperCacheModule.forRoot({ sqlitePath: 'storage/test', logger: false })],
    providers: [Products],
  }).compile();
  const { cache, manager } = module.get(Products);
  await cache.set('key', { at: new Date(0) });
  expect(await manager.get('key')).toEqual({ at: new Date(0) });
  expect(await cache.wrap('made', () => 42)).toBe(42);
  expect(await cache.lock('job', { ttl: 1000 }).acquire()).toBe(true);
  await module.close();
});

it('tests with what the library has for tests', async () => {
  const clock = new TestClock();
  const module = await Test.createTestingModule({
    imports: [HyperCacheTestingModule.forTest({ clock, durability: 'normal' })],
    providers: [Products],
  }).compile();
  await module.init();
  const { cache } = module.get(Products);
  const events = recordEvents(cache);
  await cache.set('key', { n: 1 }, '5m');
  await expectCached(cache).toHave('key', { n: 1 });
  await clock.advance('5m');
  await expectCached(cache).toMiss('key');
  expect(events.names).toContain('set');
  faultsOf(module).diskFull();
  await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'HC_STORAGE_FULL' });
  await module.close();
});

it('does without a cache', async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(HYPERCACHE_ENVIRONMENT)
    .useValue(stubEnvironment())
    .compile();
  await module.init();
  await module.get(HyperCache).set('key', 1);
  expect(await module.get(HyperCache).get('key')).toBe(undefined);
  await module.close();
});

it('starts a cluster', async () => {
  const cluster = await createTestCluster({ nodes: 2, asyncRequests: false });
  await cluster.node(1).cache.set('key', 1);
  await cluster.promote(1);
  expect(await cluster.node(1).manager.get('key')).toBe(1);
  await cluster.close();
});
`;

await inTemporaryDirectory(async (work) => {
  const tarball = join(work, pack(work));
  for (const app of APPS) {
    const began = performance.now();
    const directory = generate(work, app);
    await nestAdd(directory, tarball);
    install(directory, tarball, app);
    addCache(directory, app);
    quietly('npx', app.test, directory);
    if (app.swc) quietly('npx', ['jest', '--config', swcConfig(directory)], directory);
    quietly('npx', app.build, directory);
    await startAndAsk(directory);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`generated: nest new of Nest ${app.nest} passed in ${seconds} s`);
  }
  console.log('generated: PASS');
});

function generate(work, { nest }) {
  const cli = join(work, `cli-${nest}`);
  mkdirSync(cli);
  writeFileSync(join(cli, 'package.json'), '{ "private": true }');
  quietly('npm', ['install', ...QUIET, `@nestjs/cli@${nest}`, `@nestjs/schematics@${nest}`], cli);
  quietly('npx', ['nest', 'new', 'app', '-p', 'npm', '--skip-git', '--skip-install'], cli);
  return join(cli, 'app');
}

/** The real command, which takes the library from a registry that has it. */
async function nestAdd(generated, tarball) {
  const directory = `${generated}-added`;
  cpSync(generated, directory, { recursive: true });
  quietly('npm', ['install', ...QUIET, '--ignore-scripts'], directory);
  const registry = await serveLibrary(tarball);
  try {
    const settings = { npm_config_registry: registry.url, npm_config_ignore_scripts: 'true' };
    const env = { ...cleanEnvironment(), ...settings };
    await promisify(execFile)('npx', ['nest', 'add', 'nestjs-hypercache'], { cwd: directory, env });
  } finally {
    registry.close();
  }
  const read = (path) => readFileSync(join(directory, path), 'utf8');
  assert.match(read('src/app.module.ts'), /imports: \[HyperCacheModule\.forRoot\(\)\]/);
  assert.match(read('src/main.ts'), /app\.enableShutdownHooks\(\)/);
  assert.equal(JSON.parse(read('package.json')).allowScripts['better-sqlite3'], true);
  // The peers fit together, and were installed.
  quietly('npm', ['ls', 'better-sqlite3', 'keyv', '@nestjs/cache-manager'], directory);
  quietly('npx', ['nest', 'build'], directory);
}

/** README's command, with the packed library. Its binaries are those that were compiled for this one. */
function install(directory, tarball, { nest, swc }) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const command = readme.match(/^npm install nestjs-hypercache .*$/gm)[nest === 11 ? 1 : 0];
  const packages = command.replace(/ *#.*/, '').split(' ').slice(3);
  quietly('npm', ['install', ...QUIET, '--ignore-scripts'], directory);
  quietly('npm', ['install', ...QUIET, '--ignore-scripts', tarball, ...packages], directory);
  if (swc) quietly('npm', ['install', '-D', ...QUIET, '@swc/core', '@swc/jest'], directory);
  const compiled = 'node_modules/better-sqlite3/build';
  cpSync(join(root, compiled), join(directory, compiled), { recursive: true });
}

/** Runs the installer twice, which changes nothing the second time, and then a test. */
function addCache(directory, { nest }) {
  quietly('npx', ['--no', 'hypercache', 'install', '--skip-install'], directory);
  const path = join(directory, 'src/app.module.ts');
  const module = readFileSync(path, 'utf8');
  assert.match(module, /imports: \[HyperCacheModule\.forRoot\(\)\]/);
  assert.match(
    readFileSync(join(directory, 'src/main.ts'), 'utf8'),
    /app\.enableShutdownHooks\(\)/,
  );
  assert.match(readFileSync(join(directory, '.gitignore'), 'utf8'), /^storage\/$/m);
  quietly('npx', ['--no', 'hypercache', 'install', '--skip-install'], directory);
  assert.equal(readFileSync(path, 'utf8'), module);
  const globals = nest === 11 ? '' : "import { expect, it } from 'vitest';\n";
  const appModule = nest === 11 ? './app.module' : './app.module.js';
  const spec = SPEC.replace('GLOBALS\n', globals).replace('APP_MODULE', appModule);
  writeFileSync(join(directory, 'src/products.spec.ts'), spec);
}

function swcConfig(directory) {
  const path = join(directory, 'jest.swc.json');
  const parser = { syntax: 'typescript', decorators: true };
  const swc = { jsc: { parser, transform: { legacyDecorator: true, decoratorMetadata: true } } };
  const config = { rootDir: 'src', testRegex: '.*\\.spec\\.ts$' };
  const transform = { '^.+\\.ts$': ['@swc/jest', swc] };
  writeFileSync(path, JSON.stringify({ ...config, transform }));
  return path;
}

async function startAndAsk(directory) {
  const port = String(20_000 + (process.pid % 20_000));
  const options = { cwd: directory, env: { ...cleanEnvironment(), PORT: port } };
  const started = promisify(execFile)(process.execPath, ['dist/main.js'], options);
  started.catch(() => undefined);
  try {
    for (let tries = 0; ; tries++) {
      const answer = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
      if (answer?.ok) return;
      if (tries === 200) throw new Error(`The application in ${directory} does not answer.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    started.child.kill();
  }
}

/** Runs a command, and prints its output only if it fails. */
function quietly(command, args, cwd) {
  try {
    execFileSync(command, args, { cwd, env: cleanEnvironment(), encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    console.error(`${command} ${args.join(' ')} has failed:\n${error.stdout}${error.stderr}`);
    process.exitCode = 1;
    throw error;
  }
}
