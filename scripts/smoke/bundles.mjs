// Bundles an application with the packed library in it, by esbuild and by webpack, and runs it: the thread that does the checkpoints, and
// the one that makes a backup, must start from the bundle too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cleanEnvironment,
  inTemporaryDirectory,
  lockedVersion,
  manifest,
  pack,
  root,
} from './tarball.mjs';

const APP = `import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { HyperCache, HyperCacheModule } from 'nestjs-hypercache';

async function run() {
  const imports = [HyperCacheModule.forRoot({ sqlitePath: process.argv[2], logger: false })];
  const app = await NestFactory.createApplicationContext({ module: class AppModule {}, imports }, { logger: false });
  const cache = app.get(HyperCache);
  // Enough commits for the thread to be worth it.
  for (let i = 0; (await cache.stats()).l2.checkpoints !== 'worker' && i < 20_000; i++) await cache.set('key', i);
  const { l2, incidents } = await cache.stats();
  const { revision } = await cache.backup(process.argv[2] + '/copy.sqlite');
  console.log(JSON.stringify({ checkpoints: l2.checkpoints, incidents, isCopied: revision > 0 }));
  await app.close();
}
run();
`;

/** Packages with a native part, and optional packages that Nest tries to load. */
const EXTERNAL = [
  'better-sqlite3',
  '@nestjs/websockets',
  '@nestjs/microservices',
  '@nestjs/platform-fastify',
  'class-validator',
  'class-transformer',
];

const WEBPACK = `const external = ${JSON.stringify(EXTERNAL)};
module.exports = {
  mode: 'production',
  target: 'node20',
  entry: './app.js',
  output: { filename: 'webpack.cjs', path: __dirname },
  externals: [
    ({ request }, done) =>
      external.some((name) => request === name || request.startsWith(name + '/'))
        ? done(null, 'commonjs ' + request)
        : done(),
  ],
};
`;

await inTemporaryDirectory((work) => {
  const tarball = join(work, pack(work));
  const names = [
    '@nestjs/cache-manager',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    'better-sqlite3',
    'cache-manager',
    'keyv',
    'reflect-metadata',
    'rxjs',
  ];
  const dependencies = Object.fromEntries(names.map((name) => [name, lockedVersion(name)]));
  const devDependencies = { esbuild: '^0.25.0', webpack: '^5.100.0', 'webpack-cli': '^6.0.0' };
  writeFileSync(
    join(work, 'package.json'),
    JSON.stringify({
      private: true,
      dependencies: { ...dependencies, [manifest.name]: `file:${tarball}` },
      devDependencies,
      allowScripts: { esbuild: true },
    }),
  );
  run(work, 'npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    '--ignore-scripts',
  ]);
  const compiled = 'node_modules/better-sqlite3/build';
  cpSync(join(root, compiled), join(work, compiled), { recursive: true });
  writeFileSync(join(work, 'app.js'), APP);
  writeFileSync(join(work, 'webpack.config.cjs'), WEBPACK);

  const outside = EXTERNAL.flatMap((name) => [`--external:${name}`, `--external:${name}/*`]);
  const esbuild = [
    'esbuild',
    'app.js',
    '--bundle',
    '--platform=node',
    '--log-level=error',
    ...outside,
  ];
  run(work, 'npx', [
    ...esbuild,
    '--format=cjs',
    '--minify',
    '--keep-names',
    '--outfile=esbuild.cjs',
  ]);
  run(work, 'npx', [
    ...esbuild,
    '--format=esm',
    "--banner:js=import{createRequire as r0}from'node:module';const require=r0(import.meta.url);",
    '--outfile=esbuild.mjs',
  ]);
  run(work, 'npx', ['webpack', '--config', 'webpack.config.cjs']);
  for (const bundle of ['esbuild.cjs', 'esbuild.mjs', 'webpack.cjs']) {
    const directory = join(work, `storage-${bundle}`);
    mkdirSync(directory);
    const said = run(work, process.execPath, [bundle, directory]);
    assert.deepEqual(JSON.parse(said), { checkpoints: 'worker', incidents: 0, isCopied: true });
    console.log(`bundles: ${bundle} passed`);
  }
  console.log('bundles: PASS');
});

function run(cwd, command, args) {
  return execFileSync(command, args, {
    cwd,
    env: cleanEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
  });
}
