import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const PACKAGES = [
  'better-sqlite3',
  'cache-manager',
  'keyv',
  'lru-cache',
  'msgpackr',
  '@keyv/redis',
  '@keyv/sqlite',
  'bentocache',
  'cacheable',
  'ioredis',
];

/** Where and with what a run was made. */
export function describeMachine() {
  const cores = cpus();
  const memory = new Database(':memory:');
  const sqlite = memory.prepare('SELECT sqlite_version()').pluck().get();
  memory.close();
  const found = PACKAGES.map((name) => [name, versionOf(name)]);
  return {
    date: new Date().toISOString(),
    cpu: `${cores[0]?.model.trim() ?? 'unknown'}, ${cores.length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}, load ${loadavg()[0]?.toFixed(2)}`,
    node: process.version,
    versions: {
      ...Object.fromEntries(found.filter(([, version]) => version !== undefined)),
      sqlite,
      ...redisVersion(),
    },
  };
}

export function printMachine({ date, cpu, memory, system, node, versions }) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  console.log(`${date}  ${cpu}, ${memory}, ${system}`);
  console.log(`Node ${node}; ${list.join(', ')}\n`);
}

/** The version of the server that benchmarks would start. */
function redisVersion() {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  const version = /v=(\S+)/.exec(stdout ?? '')?.[1];
  return version === undefined ? {} : { redis: version };
}

/** Of what the benchmarks import: from bench/node_modules first, then from the library's own. */
function versionOf(name) {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      return JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).version;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}
