// Packs the library, installs the tarball with its peers into an empty Nest app outside the tree,
// type-checks against it, and runs it once imported and once required.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  cleanEnvironment,
  inTemporaryDirectory,
  lockedVersion,
  manifest,
  pack,
  root,
  run,
} from './tarball.mjs';

const here = fileURLToPath(new URL('./', import.meta.url));
const APP_FILES = ['app.cjs', 'app.mjs', 'exercise.cjs', 'types.cts', 'types.mts'];

let work;
await inTemporaryDirectory((directory) => {
  work = directory;
  step('npm pack');
  install(pack(work));
  checkContents();
  checkTypes();
  for (const app of ['app.mjs', 'app.cjs']) {
    const sqlitePath = join(work, `storage-${app}`);
    // Two processes, so that the value can only come from the file. Neither calls process.exit():
    // an open handle left behind by app.close() runs into the timeout.
    node(app, 'write', sqlitePath);
    node(app, 'read', sqlitePath);
    console.log(`smoke: ${app} passed`);
  }
  console.log('smoke: PASS');
});

function install(tarball) {
  step('npm install into an empty app');
  const packages = Object.keys(manifest.peerDependencies).filter(
    (name) => manifest.peerDependenciesMeta[name]?.optional !== true,
  );
  packages.push('@nestjs/platform-express');
  writeFileSync(
    join(work, 'package.json'),
    JSON.stringify({
      name: 'smoke-app',
      private: true,
      dependencies: {
        [manifest.name]: `file:./${tarball}`,
        ...Object.fromEntries(packages.map((name) => [name, lockedVersion(name)])),
      },
      allowScripts: { 'better-sqlite3': true },
    }),
  );
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: work });
  for (const name of APP_FILES) copyFileSync(join(here, name), join(work, name));
}

function checkContents() {
  const installed = join(work, 'node_modules', manifest.name);
  const top = readdirSync(installed).filter((name) => name !== 'node_modules');
  assert.deepEqual(top.toSorted(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dashboards',
    'dist',
    'docs',
    'package.json',
    'schematics',
  ]);
  const strays = readdirSync(join(installed, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/(?<!\.spec)(\.js|\.d\.ts)$/.test(entry.name))
    .map((entry) => entry.name);
  // That of dist/cjs, which says what its modules are.
  assert.deepEqual(strays, ['package.json'], 'dist holds nothing but modules and their types');
}

/** The app's own files and our declarations must be free of errors; other packages' are theirs. */
function checkTypes() {
  step('type check');
  writeFileSync(
    join(work, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        noEmit: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      },
      files: ['types.mts', 'types.cts'],
    }),
  );
  const output = tsc();
  const ours = output
    .split('\n')
    .filter((line) => /error TS/.test(line))
    .filter((line) => !line.startsWith('node_modules/') || line.includes(`/${manifest.name}/`));
  assert.deepEqual(ours, []);
}

function tsc() {
  try {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    return execFileSync(process.execPath, [compiler, '--pretty', 'false'], {
      cwd: work,
      encoding: 'utf8',
    });
  } catch (error) {
    return `${error.stdout}`;
  }
}

function node(...args) {
  run(process.execPath, args, { cwd: work, env: cleanEnvironment(), timeout: 60_000 });
}

function step(name) {
  console.log(`smoke: ${name}`);
}
