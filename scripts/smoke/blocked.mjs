// Installs the packed library with package managers that run no install script, as they do by default or by a setting. The
// application then fails to start, with an error that names what to set; doctor says the same; and `hypercache install` sets it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { serveLibrary } from './registry.mjs';
import {
  cleanEnvironment,
  inTemporaryDirectory,
  lockedVersion,
  manifest,
  newestNode,
  pack,
} from './tarball.mjs';

/** `says` is what the error of the application and doctor name; `mends` whether the installer's setting is tried by a compilation. */
const ROWS = [
  { manager: 'npm', npmrc: 'ignore-scripts=true\n', says: 'ignore-scripts' },
  { manager: 'npm', major: 12, node: 'newest', says: 'npm install-scripts approve' },
  { manager: 'pnpm', major: 10, says: 'pnpm approve-builds', mends: true },
  { manager: 'pnpm', major: 12, node: 'newest', says: 'pnpm approve-builds' },
];

const APP = `require('reflect-metadata');
const { NestFactory } = require('@nestjs/core');
const { HyperCache, HyperCacheModule } = require('nestjs-hypercache');
class Root {}
const root = { module: Root, imports: [HyperCacheModule.forRoot()] };
NestFactory.createApplicationContext(root, { abortOnError: false, logger: false }).then(
  async (app) => {
    await app.get(HyperCache).set('key', 1);
    await app.close();
  },
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
`;

await inTemporaryDirectory(async (work) => {
  const registry = await serveLibrary(join(work, pack(work)));
  const nodes = { this: process.execPath, newest: newestNode(work) };
  try {
    for (const [at, row] of ROWS.entries()) {
      const began = performance.now();
      const directory = join(work, `row-${at}`);
      await check(row, applicationOf(row, directory, nodes, registry.url), directory);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`blocked: ${titleOf(row)} passed in ${seconds} s`);
    }
    console.log('blocked: PASS');
  } finally {
    registry.close();
  }
});

/** Commands in a directory with this manager and this Node; each resolves to its status and all that it printed. */
function applicationOf({ manager, major, node = 'this', npmrc = '' }, directory, nodes, registry) {
  mkdirSync(directory);
  const dependencies = { [manifest.name]: manifest.version };
  for (const name of ['@nestjs/common', '@nestjs/core', '@nestjs/cache-manager']) {
    dependencies[name] = lockedVersion(name);
  }
  for (const name of ['better-sqlite3', 'cache-manager', 'keyv', 'reflect-metadata', 'rxjs']) {
    dependencies[name] = lockedVersion(name);
  }
  const content = { name: 'blocked-app', private: true, dependencies };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(content));
  writeFileSync(join(directory, 'app.cjs'), APP);
  writeFileSync(join(directory, '.npmrc'), `registry=${registry}\n${npmrc}`);
  const env = {
    ...cleanEnvironment(),
    CI: 'true',
    PATH: `${dirname(nodes[node])}${delimiter}${process.env.PATH}`,
  };
  const run = (command, ...args) => {
    const child = spawn(command, args, { cwd: directory, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve({ status, output }));
    });
  };
  // Another version of the manager comes from the registry.
  const managed = major === undefined ? [manager] : ['npx', '--yes', `${manager}@${major}`];
  return {
    node: (...args) => run(nodes[node], ...args),
    cli: (...args) =>
      run(nodes[node], `node_modules/${manifest.name}/dist/cli/hypercache.js`, ...args),
    manage: (...args) => run(...managed, ...args),
  };
}

async function check({ says, mends }, { node, cli, manage }, directory) {
  const installed = await manage('install');
  assert.ok(existsSync(join(directory, 'node_modules', manifest.name)), installed.output);
  assert.ok(!existsSync(join(directory, 'node_modules/better-sqlite3/build')), 'it is not built');

  const refused = await node('app.cjs');
  assert.equal(refused.status, 1, refused.output);
  assert.match(refused.output, /HC_NATIVE_MODULE/);
  assert.ok(refused.output.includes(says), refused.output);
  assert.notEqual((await cli('doctor')).status, 0);

  const mended = await cli('install', '--skip-install');
  assert.equal(mended.status, 0, mended.output);
  if (!mends) return;
  const rebuilt = await manage('rebuild', 'better-sqlite3');
  assert.equal(rebuilt.status, 0, rebuilt.output);
  const started = await node('app.cjs');
  assert.equal(started.status, 0, started.output);
}

function titleOf({ manager, major, npmrc }) {
  return `${manager}${major === undefined ? '' : ` ${major}`}${npmrc === undefined ? '' : ` with ${npmrc.trim()}`}`;
}
