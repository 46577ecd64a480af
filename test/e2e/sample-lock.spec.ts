import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ReportRound } from '../../sample/03-distributed-lock/src/race/report-round.js';
import { Worker } from '../../sample/03-distributed-lock/src/race/worker.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

const DIST = fileURLToPath(new URL('../../sample/03-distributed-lock/dist/', import.meta.url));
const MADE = /^\d\d:\d\d:\d\d {2}worker \d made the report(; skipped by [\d, ]+)?/gm;
const TIMEOUT_MS = 120_000;

interface RaceEnd {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/**
 * `npm run sample:lock` with these arguments.
 *
 * @param until end it, as Ctrl-C does, when its output matches
 */
async function race(args: readonly string[], until?: RegExp): Promise<RaceEnd> {
  const child = spawn(process.execPath, [join(DIST, 'race.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    out += chunk;
    if (until?.test(out) === true) child.kill('SIGINT');
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  // The scheduler's own remark when the machine was busy at the full second; it makes up for it.
  const errors = stderr.replaceAll(/^\[Cron\] Missed execution deadline .*\n/gm, '');
  return { code, out, errors };
}

describe('npm run sample:lock', () => {
  it(
    'has each report made by one of the workers, and sells each seat once',
    async () => {
      const args = ['--workers', '3', '--rounds', '3', '--buyers', '200', '--seats', '9'];

      const { code, out, errors } = await race(args);

      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(out).toContain('Workers 1, 2, 3, each a process of its own, all on one cache file.');
      expect(out.match(MADE)).toHaveLength(3);
      expect(out).toMatch(/^sold 9, refused 191, failed 0, in \d+\.\d s$/m);
      expect(out).toMatch(
        /^OK: 3 of 3 reports were made by exactly one of 3 workers; 9 of 9 seats sold, 191 buyers refused\n$/m,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'oversells without the lock, notices it, and fails',
    async () => {
      const args = ['--workers', '2', '--rounds', '1', '--buyers', '40', '--seats', '5'];

      const { code, out } = await race([...args, '--without-lock']);

      expect(code).toBe(1);
      expect(out).toMatch(/^\d+ buyers were sold a seat; there are 5\.$/m);
      expect(out).toMatch(/^\d+ buyers share \d seats\.$/m);
      expect(out).toMatch(/^VIOLATED: /m);
    },
    TIMEOUT_MS,
  );

  it(
    'ends on Ctrl-C with what it has seen so far',
    async () => {
      const { code, out, errors } = await race(['--workers', '2', '--rounds', '1000'], MADE);

      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(out).toMatch(/^OK: (\d+) of \1 reports were made by exactly one of 2 workers\n$/m);
    },
    TIMEOUT_MS,
  );

  it('says how it is used when an argument makes no sense', async () => {
    const unknown = await race(['--wrokers', '5']);
    const noNumber = await race(['--workers', 'many']);
    const outOfBounds = await race(['--second', '60']);

    expect(unknown).toMatchObject({ code: 2, errors: expect.stringContaining("'--wrokers'") });
    expect(noNumber).toMatchObject({ code: 2, errors: expect.stringContaining('--workers many') });
    expect(outOfBounds.errors).toContain('--second 60 is no whole number from 0 to 59.');
    expect(outOfBounds.errors).toContain('npm run sample:lock -- [options]');
  });
});

describe('A worker of the lock sample', () => {
  const started: Worker[] = [];
  // Jest runs these hooks in order: the processes end before their directories go.
  afterEach(async () => {
    for (const worker of started.splice(0)) await worker.stop();
  });
  const directory = useTemporaryDirectories();

  it('sells the seats of a show to who comes first', async () => {
    const worker = await Worker.start(join(DIST, 'main.js'), 1, {
      HYPERCACHE_SQLITE_PATH: directory(),
      SEATS: '2',
    });
    started.push(worker);
    const buy = async (show: string, body: unknown) => {
      const response = await fetch(`${worker.url}/seats/${show}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };

    expect(await buy('hamlet', { buyer: 'ann' })).toEqual({ status: 201, body: { seat: 1 } });
    expect(await buy('hamlet', {})).toMatchObject({ status: 400 });
    expect(await buy('hamlet', { buyer: 'bob' })).toEqual({ status: 201, body: { seat: 2 } });
    expect(await buy('hamlet', { buyer: 'cyd' })).toMatchObject({ status: 409 });
    expect(await buy('macbeth', { buyer: 'cyd' })).toEqual({ status: 201, body: { seat: 1 } });
    const book = await fetch(`${worker.url}/seats/hamlet`);
    expect(await book.json()).toEqual({ seats: 2, buyers: ['ann', 'bob'] });
  });
});

describe('ReportRound', () => {
  const SECOND = Date.UTC(2026, 0, 1, 3) / 1000;

  function round(makers: readonly number[], isHeldUp = false): ReportRound {
    const result = new ReportRound(SECOND, isHeldUp);
    for (const worker of [3, 1, 2]) result.note(worker, 'woke');
    for (const worker of makers) result.note(worker, 'making');
    return result;
  }

  it('is as it should be with one maker', () => {
    expect(round([2]).describe(3)).toBe('03:00:00  worker 2 made the report; skipped by 1, 3');
    expect(round([2]).violation()).toBeUndefined();
  });

  it('is violated by two makers', () => {
    expect(round([2, 1]).describe(4)).toBe(
      '03:00:00  worker 2 and worker 1 made the report; skipped by 3; 1 did not wake',
    );
    expect(round([2, 1]).violation()).toBe(`The report of second ${SECOND} was made 2 times.`);
  });

  it('is violated by none, unless the report before held it up', () => {
    expect(round([]).violation()).toBe(`The report of second ${SECOND} was made 0 times.`);
    expect(round([], true).violation()).toBeUndefined();
    expect(round([], true).describe(3)).toBe(
      '03:00:00  no worker made the report: the one before took too long; skipped by 1, 2, 3',
    );
  });

  it('is under way until its report is made', () => {
    const one = round([2]);
    expect(one.isUnderWay).toBe(true);

    one.note(2, 'made');

    expect(one.isUnderWay).toBe(false);
  });
});
