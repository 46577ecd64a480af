// What the scripts of this folder share: the packed library, and how to run things around it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const manifest = readJson(join(root, 'package.json'));

const lock = readJson(join(root, 'package-lock.json'));

/** Calls `work` with a directory outside the tree, and removes the directory afterwards. */
export async function inTemporaryDirectory(work) {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'hypercache-smoke-')));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Packs the library as it is published; returns the name of the file. */
export function pack(directory) {
  run('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: root });
  const tarballs = readdirSync(directory).filter((name) => name.endsWith('.tgz'));
  assert.equal(tarballs.length, 1, 'npm pack makes one tarball');
  return tarballs[0];
}

/** The version of a package that the library is developed with. */
export function lockedVersion(name) {
  return lock.packages[`node_modules/${name}`].version;
}

/** Installs the newest Node, of the npm package `node`; returns the path of its program. */
export function newestNode(work) {
  const directory = join(work, 'node');
  mkdirSync(directory);
  const content = { private: true, dependencies: { node: 'latest' }, allowScripts: { node: true } };
  writeFileSync(join(directory, 'package.json'), JSON.stringify(content));
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  run('npm', ['install', ...quiet], { cwd: directory });
  return join(directory, 'node_modules/node/bin/node');
}

/** Options must come from the app's code, not from the shell that runs this. */
export function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('HYPERCACHE_') && name !== 'NODE_OPTIONS',
    ),
  );
}

export function run(command, args, options) {
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
