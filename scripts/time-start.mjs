// Measures how long a new user waits: from the first command in a generated application to a cached route, and to a second
// server that shares it. The route is the one of docs/getting-started.md, whose table `--write` replaces.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serveLibrary } from './smoke/registry.mjs';
import { cleanEnvironment, inTemporaryDirectory, pack, root } from './smoke/tarball.mjs';

const PAGE = join(root, 'docs/getting-started.md');
const NESTS = [11, 12];
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

await inTemporaryDirectory(async (work) => {
  const registry = await serveLibrary(join(work, pack(work)));
  const environment = { ...cleanEnvironment(), npm_config_registry: registry.url };
  try {
    const columns = [];
    for (const nest of NESTS) columns.push(await timeOf(work, nest, environment));
    const table = tableOf(columns);
    console.log(table);
    if (process.argv.includes('--write')) write(table);
  } finally {
    registry.close();
  }
});

/** The seconds of each step in an application that the generator of this Nest has made and installed. */
async function timeOf(work, nest, env) {
  const cwd = await generate(work, nest, env);
  const commands = readme(nest);
  const seconds = {};
  const step = async (name, run) => {
    const began = performance.now();
    await run();
    seconds[name] = (performance.now() - began) / 1000;
  };
  const npm = (...args) => promisify(execFile)('npm', [...args, ...QUIET], { cwd, env });
  const npx = (...args) => promisify(execFile)('npx', args, { cwd, env });

  await step('`npm install` of the library and its peers', () =>
    npm('install', '--ignore-scripts', ...commands.library),
  );
  await step('better-sqlite3 compiles itself', () => npm('rebuild', 'better-sqlite3'));
  await step('`npx hypercache install`', () => npx('--no', 'hypercache', 'install'));
  useRoute(cwd);
  await step('`nest build`', () => npx('nest', 'build'));
  const port = 20_000 + (process.pid % 10_000) * 2;
  await step('from the start to an answer that came from the cache', async () => {
    const stop = start(cwd, env, port, {});
    const first = await answer(port);
    assert.equal(await answer(port), first, 'the second answer comes from the cache');
    await stop();
  });
  await step('`npm install @nestjs/axios axios`', () => npm('install', ...commands.secondary));
  const token = { HYPERCACHE_API_TOKEN: 'a-token-of-at-least-32-characters-0' };
  await step('from the start of two servers to the same answer of both', async () => {
    const stopPrimary = start(cwd, env, port, token);
    const first = await answer(port);
    const stopSecondary = start(cwd, env, port + 1, {
      ...token,
      HYPERCACHE_SERVER_ROLE: 'secondary',
      HYPERCACHE_PRIMARY_URL: `http://127.0.0.1:${port}`,
      HYPERCACHE_SQLITE_PATH: join(cwd, 'second'),
    });
    assert.equal(await answer(port + 1), first, 'the second server has the answer of the first');
    await stopSecondary();
    await stopPrimary();
  });
  rmSync(cwd, { recursive: true });
  return seconds;
}

async function generate(work, nest, env) {
  const cli = join(work, `cli-${nest}`);
  mkdirSync(cli);
  writeFileSync(join(cli, 'package.json'), '{ "private": true }');
  const run = (command, args, cwd) => promisify(execFile)(command, args, { cwd, env });
  await run('npm', ['install', ...QUIET, `@nestjs/cli@${nest}`, `@nestjs/schematics@${nest}`], cli);
  await run('npx', ['nest', 'new', 'app', '-p', 'npm', '--skip-git', '--skip-install'], cli);
  await run('npm', ['install', ...QUIET, '--ignore-scripts'], join(cli, 'app'));
  return join(cli, 'app');
}

/** The packages that the page names for this Nest. */
function readme(nest) {
  const text = readFileSync(PAGE, 'utf8');
  const command = text.match(/^npm install nestjs-hypercache .*$/gm)[nest === 11 ? 1 : 0];
  const secondary = nest === 11 ? ['@nestjs/axios@4', 'axios'] : ['@nestjs/axios', 'axios'];
  return { library: command.replace(/ *#.*/, '').split(' ').slice(2), secondary };
}

function useRoute(cwd) {
  const section = readFileSync(PAGE, 'utf8').split('## A cached route')[1];
  writeFileSync(join(cwd, 'src/app.module.ts'), section.match(/```ts\n([\s\S]*?)```/)[1]);
  for (const name of ['controller.spec', 'controller', 'service']) {
    rmSync(join(cwd, `src/app.${name}.ts`), { force: true });
  }
}

/** Returns what stops it. */
function start(cwd, env, port, settings) {
  const options = { cwd, env: { ...env, ...settings, PORT: String(port) }, stdio: 'ignore' };
  const child = spawn(process.execPath, ['dist/main.js'], options);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return () => {
    child.kill();
    return ended;
  };
}

async function answer(port) {
  for (let tries = 0; ; tries++) {
    const response = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
    if (response?.ok) return response.text();
    if (tries === 1200) throw new Error(`The application on port ${port} does not answer.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function line(cells) {
  const shown = cells.map((cell) => (typeof cell === 'number' ? `${cell.toFixed(1)} s` : cell));
  return `| ${shown.join(' | ')} |`;
}

function tableOf(columns) {
  const rows = Object.keys(columns[0]).map((step) => [step, ...columns.map((of) => of[step])]);
  const total = (until) =>
    columns.map((_, at) => rows.slice(0, until).reduce((sum, row) => sum + row[at + 1], 0));
  return [
    `Node ${process.versions.node}, ${cpus().length} cores, packages partly in npm's cache:`,
    '',
    line(['', ...NESTS.map((nest) => `Nest ${nest}`)]),
    line(['---', ...NESTS.map(() => '---:')]),
    ...rows.slice(0, 5).map(line),
    line(['**a cached route**', ...total(5)]),
    ...rows.slice(5).map(line),
    line(['**a second server**', ...total(rows.length)]),
  ].join('\n');
}

function write(table) {
  const text = readFileSync(PAGE, 'utf8');
  const between = /(<!-- time:start -->\n)[\s\S]*?(<!-- \/time:start -->)/;
  assert.match(text, between);
  writeFileSync(
    PAGE,
    text.replace(between, (_, begin, end) => `${begin}\n${table}\n\n${end}`),
  );
  execFileSync('npx', ['prettier', '--write', PAGE], { cwd: root, stdio: 'ignore' });
}
