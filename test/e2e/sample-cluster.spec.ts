import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { useTemporaryDirectories } from '../support/temporary-directory.js';
import { eventually } from '../support/eventually.js';

const START = fileURLToPath(
  new URL('../../sample/02-primary-secondary/dist/start.js', import.meta.url),
);
const NODES = /^A primary on (\S+), secondaries on (\S+) and (\S+)\.$/;

interface RunningSample {
  readonly process: ChildProcess;
  /** Of the primary and both secondaries. */
  readonly urls: readonly string[];
  readonly lines: readonly string[];
}

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
});
const directory = useTemporaryDirectories();

async function startSample(): Promise<RunningSample> {
  const child = spawn(process.execPath, [START], {
    env: { ...process.env, PORT: '0', TRAFFIC: '0', STORAGE: directory() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  const urls = await new Promise<string[]>((resolve, reject) => {
    output.on('line', (line) => {
      lines.push(line);
      const found = NODES.exec(line);
      if (found !== null) resolve(found.slice(1));
    });
    child.once('exit', (code) => reject(new Error(`The sample ended with ${code}.`)));
  });
  return { process: child, urls, lines };
}

async function textOn(url: string): Promise<unknown> {
  const response = await fetch(`${url}/notes/1`);
  return ((await response.json()) as { text?: unknown }).text;
}

describe('the sample with a primary and two secondaries', () => {
  it('shows on every node what was written on one, and says how they are doing', async () => {
    const { urls, lines } = await startSample();
    for (const [place, url] of urls.entries()) {
      const text = `written on node ${place}`;
      const written = await fetch(`${url}/notes/1`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      });
      expect(written.status).toBe(200);
      for (const other of urls) {
        await eventually(async () => expect(await textOn(other)).toBe(text));
      }
    }
    await eventually(() =>
      expect(lines).toContainEqual(
        expect.stringMatching(/primary rev \d+, hits .+secondary-1 rev \d+, 0 behind/),
      ),
    );
  });

  it('counts on all nodes together', async () => {
    const { urls } = await startSample();
    const likes = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const response = await fetch(`${urls[i % urls.length]}/notes/1/likes`, { method: 'POST' });
        return ((await response.json()) as { likes: number }).likes;
      }),
    );

    expect(likes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  it('stops all nodes at Ctrl-C', async () => {
    const { process: child, urls, lines } = await startSample();
    const exited = once(child, 'exit');
    child.kill('SIGINT');

    expect(await exited).toEqual([0, null]);
    expect(lines.at(-1)).toBe('All nodes are closed.');
    for (const url of urls) await expect(fetch(`${url}/stats`)).rejects.toThrow();
  });
});
