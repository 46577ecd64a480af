import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(
  new URL('../../sample/04-unreliable-origin/dist/run.js', import.meta.url),
);
const TIMEOUT_MS = 60_000;

/** `npm run sample:origin` with these arguments. */
async function run(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: Number(code), out, errors };
}

describe('npm run sample:origin', () => {
  it(
    'answers every request from stale values where the origin is down, and none without',
    async () => {
      const { code, out, errors } = await run('--seconds', '2');

      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      const rows = Array.from(
        out.matchAll(/^(plain|patient) +(well again|well|slow|down) +(\d+) +(\d+) +(\d+) /gm),
        ([, route, phase, answers, failed, stale]) => ({
          route,
          phase,
          answers: Number(answers),
          failed: Number(failed),
          stale: Number(stale),
        }),
      );
      expect(rows).toHaveLength(8);
      const row = (route: string, phase: string) =>
        rows.find((each) => each.route === route && each.phase === phase);
      for (const phase of ['well', 'slow', 'down', 'well again']) {
        expect(row('patient', phase)).toMatchObject({ answers: 80, failed: 0 });
      }
      expect(row('patient', 'down')?.stale).toBeGreaterThan(0);
      expect(row('plain', 'down')?.failed).toBeGreaterThan(0);
      expect(out).toMatch(/^The origin was called \d+ times for 640 requests\.$/m);
    },
    TIMEOUT_MS,
  );

  it.each(['0', '-1', 'soon', ''])('refuses --seconds=%j', async (seconds) => {
    const { code, errors } = await run(`--seconds=${seconds}`);

    expect(code).toBe(2);
    expect(errors).toContain('--seconds is how long each of the four phases takes');
  });
});
