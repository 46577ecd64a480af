// Installs the packed library into fresh apps, one for each combination of versions, and runs one scenario in
// each: a primary and a secondary, CACHE_MANAGER, CacheInterceptor, wrap, a lock, Keyv, a restart; and, where redis-server is
// installed, two applications over it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  cleanEnvironment,
  inTemporaryDirectory,
  lockedVersion,
  manifest,
  newestNode,
  pack,
  root,
} from './tarball.mjs';

const apps = fileURLToPath(new URL('./matrix/', import.meta.url));
const INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** Each pair of values of two columns is in some row, except for better-sqlite3, which depends on Node. */
const COMBINATIONS = [
  { nest: 12, platform: 'express', app: 'app.mjs', node: 'this', cacheManager: 7, keyv: 5 },
  { nest: 12, platform: 'fastify', app: 'app.cjs', node: 'newest', cacheManager: 7, keyv: 6 },
  { nest: 12, platform: 'fastify', app: 'app.mjs', node: 'newest', cacheManager: 6, keyv: 5 },
  { nest: 11, platform: 'express', app: 'app.cjs', node: 'newest', cacheManager: 6, keyv: 5 },
  { nest: 11, platform: 'fastify', app: 'app.cjs', node: 'this', cacheManager: 7, keyv: 5 },
  { nest: 11, platform: 'express', app: 'app.mjs', node: 'this', cacheManager: 6, keyv: 6 },
];

await inTemporaryDirectory((work) => {
  const tarball = join(work, pack(work));
  const nodes = { this: process.execPath, newest: newestNode(work) };
  for (const combination of COMBINATIONS) {
    const began = performance.now();
    const directory = install(work, tarball, combination);
    start(nodes[combination.node], directory, combination);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`matrix: ${titleOf(combination, nodes)} passed in ${seconds} s`);
  }
  console.log('matrix: PASS');
});

function install(work, tarball, { nest, platform, app, node, cacheManager, keyv }) {
  const directory = join(work, `nest-${nest}-${platform}-${node}-${cacheManager}-${keyv}-${app}`);
  mkdirSync(directory);
  const line = (name, eleven) => [name, nest === 12 ? '^12.0.0' : eleven];
  const dependencies = {
    [manifest.name]: `file:${tarball}`,
    ...Object.fromEntries([
      line('@nestjs/axios', '^4.0.0'),
      line('@nestjs/cache-manager', '^3.0.0'),
      line('@nestjs/common', '^11.0.0'),
      line('@nestjs/core', '^11.0.0'),
      line(`@nestjs/platform-${platform}`, '^11.0.0'),
      line('@nestjs/terminus', '^11.0.0'),
      line('@nestjs/schedule', '^6.0.0'),
    ]),
    '@redis/client': cacheManager === 7 ? lockedVersion('@redis/client') : '^5.12.0',
    '@nestjs/throttler': lockedVersion('@nestjs/throttler'),
    '@opentelemetry/api': lockedVersion('@opentelemetry/api'),
    '@opentelemetry/sdk-metrics': lockedVersion('@opentelemetry/sdk-metrics'),
    axios: lockedVersion('axios'),
    // 13.x needs a newer Node-API than that of Node 20; it brings its binaries with it.
    'better-sqlite3': node === 'newest' ? '^13.0.2' : lockedVersion('better-sqlite3'),
    'cache-manager': `^${cacheManager}.0.0`,
    keyv: `^${keyv}.0.0`,
    'prom-client': lockedVersion('prom-client'),
    'reflect-metadata': lockedVersion('reflect-metadata'),
    rxjs: lockedVersion('rxjs'),
  };
  writeManifest(directory, dependencies, {});
  quietly('npm', [...INSTALL, '--ignore-scripts'], { cwd: directory });
  // Compiled once, when the library's own dependencies were installed.
  const compiled = 'node_modules/better-sqlite3/build';
  if (node === 'this') cpSync(join(root, compiled), join(directory, compiled), { recursive: true });
  for (const name of [app, 'scenario.cjs']) copyFileSync(join(apps, name), join(directory, name));
  return directory;
}

function start(node, directory, { app, platform }) {
  quietly(node, [app, platform, join(directory, 'primary'), join(directory, 'secondary')], {
    cwd: directory,
    env: cleanEnvironment(),
    timeout: 60_000,
  });
}

function titleOf({ nest, platform, app, node, cacheManager, keyv }, nodes) {
  const version = quietly(nodes[node], ['--version'], {}).trim();
  const kind = app === 'app.mjs' ? 'ESM' : 'CommonJS';
  return `Nest ${nest}, ${platform}, ${kind}, Node ${version}, cache-manager ${cacheManager}, Keyv ${keyv}`;
}

function writeManifest(directory, dependencies, allowScripts) {
  const content = { name: 'matrix-app', private: true, dependencies, allowScripts };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(content));
}

/** Runs a command, and prints its output only if it fails. */
function quietly(command, args, options) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', ...options });
  } catch (error) {
    console.error(`${command} ${args.join(' ')} has failed:\n${error.stdout}${error.stderr}`);
    process.exitCode = 1;
    throw error;
  }
}
