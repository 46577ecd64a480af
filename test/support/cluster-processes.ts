import Database from 'better-sqlite3';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { HyperCacheStats } from '../../lib/node/hyper-cache-node.js';
import type { HyperCacheOptions } from '../../lib/node/options.js';
import { CLUSTER_TOKEN } from './clusters.js';
import { eventually } from './eventually.js';
import { useNodeProcesses, type NodeProcess } from './node-process.js';
import { useTemporaryDirectories } from './temporary-directory.js';

/** A Nest application in a process of its own, and where its file is. */
export interface Member {
  readonly name: string;
  readonly process: NodeProcess;
  readonly directory: string;
}

/** How tests start clusters whose nodes are applications that reach each other by HTTP. */
export interface ProcessClusters {
  directory(): string;
  primary(
    port: number,
    directory?: string,
    environment?: NodeJS.ProcessEnv,
    options?: HyperCacheOptions,
    name?: string,
  ): Promise<Member>;
  secondary(
    name: string,
    port: number,
    options?: HyperCacheOptions,
    directory?: string,
    environment?: NodeJS.ProcessEnv,
  ): Promise<Member>;
}

/** The processes are killed after the test. */
export function useProcessClusters(): ProcessClusters {
  const startProgram = useNodeProcesses();
  const directory = useTemporaryDirectories();
  const start = async (
    name: string,
    options: HyperCacheOptions,
    port: number,
    home = directory(),
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Member> => {
    const process = await startProgram(
      'cluster-member',
      { name, port, options: { sqlitePath: home, apiToken: CLUSTER_TOKEN, ...options } },
      environment,
    );
    return { name, process, directory: home };
  };
  return {
    directory,
    primary: (port, home, environment, options = {}, name = 'primary') =>
      start(name, { role: 'primary', ...options }, port, home, environment),
    secondary: (name, port, options = {}, home, environment) =>
      start(
        name,
        {
          role: 'secondary',
          primaryUrl: `http://127.0.0.1:${port}`,
          asyncRequests: false,
          ...options,
        },
        0,
        home,
        environment,
      ),
  };
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function statsOf({ process }: Member): Promise<HyperCacheStats> {
  return (await process.ask<HyperCacheStats>('node', 'stats')).value;
}

/** Resolves when all have what the primary has, and nobody writes any more. */
export async function settled(primary: Member, secondaries: readonly Member[]): Promise<number> {
  return eventually(
    async () => {
      const { revision } = await statsOf(primary);
      for (const secondary of secondaries) {
        expect(await statsOf(secondary)).toMatchObject({
          revision,
          queued: 0,
          replica: { isConnected: true },
        });
      }
      expect((await statsOf(primary)).revision).toBe(revision);
      return revision;
    },
    { timeoutMs: 60_000 },
  );
}

/** A digest of what a member's file holds of what does not expire before a time, in Unix ms. */
export function digestOf({ directory }: Member, after: number): { rows: number; digest: string } {
  const file = new Database(join(directory, 'hypercache.sqlite'), { readonly: true });
  const hash = createHash('sha256');
  let rows = 0;
  try {
    const entries = file.prepare(
      `SELECT n.name, e.key, e.value, e.expires_at, e.revision, (
         SELECT group_concat(tag, char(0)) FROM (
           SELECT tag FROM tags t WHERE t.entry_id = e.id AND t.tag_set = e.tag_set ORDER BY tag
         )) AS tags
       FROM entries e JOIN namespaces n ON n.id = e.namespace_id
       WHERE e.expires_at > ? ORDER BY n.name, e.key`,
    );
    for (const row of entries.raw().iterate(after) as Iterable<unknown[]>) {
      rows++;
      const plain = row.map((cell) => (Buffer.isBuffer(cell) ? cell.toString('hex') : cell));
      hash.update(JSON.stringify(plain));
    }
  } finally {
    file.close();
  }
  return { rows, digest: hash.digest('hex') };
}
