import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { parseOptions } from '../../sample/01-single-node/src/replay/options.js';
import { loadTrace } from '../../sample/01-single-node/src/replay/trace.js';
import { SAMPLE_REPLAY } from '../support/sample.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

async function replay(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  const child = spawn(process.execPath, [SAMPLE_REPLAY, ...args], {
    env: { ...process.env, ORIGIN_DELAY_MS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number>((resolve) => child.once('close', resolve));
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exit, out, errors };
}

function traceOf(objects: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * objects.length);
  for (const [i, object] of objects.entries()) bytes.writeUInt32BE(object, 4 * i);
  return bytes;
}

const silent = (): void => undefined;

describe('npm run replay', () => {
  const directory = useTemporaryDirectories();

  it('sends a trace to the end, restarts the sample, and prints its figures', async () => {
    const path = join(directory(), 'small.trace.gz');
    // 300 objects, three times each: memory holds them all, the file only answers after the restart.
    writeFileSync(path, gzipSync(traceOf(Array.from({ length: 900 }, (_, i) => 5000 + (i % 300)))));

    const { code, out, errors } = await replay(path, '--slice', '300');

    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    expect(out).toContain(`900 requests to 300 products: ${path}`);
    const [before = '', after = ''] = out.split(/^Restarted in \d+ ms; .*$/m);
    expect(before).toMatch(/^100 % {2}900 of 900, /m);
    expect(before).toMatch(/^L1 \(memory\) +600 +66\.7 %( +\d+\.\d\d){4}$/m);
    expect(before).toMatch(/^L2 \(file\) +0 /m);
    expect(before).toMatch(/^origin +300 +33\.3 %( +\d+\.\d\d){4}$/m);
    expect(before).toMatch(/^hit ratio +66\.7 %; the origin was read 300 times$/m);
    expect(before).toMatch(/^throughput +[\d,]+ requests a second/m);
    expect(before).toMatch(/^errors +0$/m);
    expect(after).toMatch(/^L1 \(memory\) +0 /m);
    expect(after).toMatch(/^L2 \(file\) +300 +100\.0 %( +\d+\.\d\d){4}$/m);
    expect(after).toMatch(/^hit ratio +100\.0 %; the origin was read 0 times$/m);
    expect(after).toMatch(/^first +L2 \(file\), \d+\.\d\d ms$/m);
    expect(after).toMatch(/^errors +0$/m);
  });

  it('generates requests on demand', async () => {
    const { code, out } = await replay('--zipf', '--requests', '500', '--objects', '5');

    expect(code).toBe(0);
    expect(out).toMatch(/^500 requests to 5 products: Zipf\(0\.8\) over 5 objects$/m);
    expect(out).toMatch(/^errors +0$/m);
  });

  it('says how it is used when an argument makes no sense', async () => {
    const missing = await replay(join(directory(), 'missing.gz'));
    const unknown = await replay('--objcets', '5');
    const noNumber = await replay('--requests', 'many');

    expect(missing).toMatchObject({ code: 2, errors: expect.stringContaining('missing.gz') });
    expect(unknown).toMatchObject({ code: 2, errors: expect.stringContaining("'--objcets'") });
    expect(noNumber).toMatchObject({ code: 2, errors: expect.stringContaining('--requests many') });
    expect(noNumber.errors).toContain('npm run replay -- --help says how it is used.');
  });

  it('says how it is used when asked', async () => {
    const { code, out } = await replay('--help');

    expect(code).toBe(0);
    expect(out).toContain('npm run replay -- [trace] [options]');
  });
});

describe('loadTrace', () => {
  const directory = useTemporaryDirectories();

  it('numbers the objects in the order of their first request', () => {
    const path = join(directory(), 'plain.trace');
    writeFileSync(path, traceOf([4_000_000_000, 7, 4_000_000_000, 9]));

    const trace = loadTrace(parseOptions([path]), 'no default', silent);

    expect(Array.from(trace.products)).toEqual([1, 2, 1, 3]);
    expect(trace).toMatchObject({ source: path, distinct: 3 });
  });

  it('reads the default trace when none is asked for, and cuts it on demand', () => {
    const path = join(directory(), 'default.trace.gz');
    writeFileSync(path, gzipSync(traceOf([1, 2, 3])));

    const trace = loadTrace(parseOptions(['--requests', '2']), path, silent);

    expect(Array.from(trace.products)).toEqual([1, 2]);
  });

  it('says plainly that the default trace is missing, and generates requests', () => {
    const said: string[] = [];
    const path = join(directory(), 'missing.gz');

    const trace = loadTrace(parseOptions([]), path, (line) => said.push(line));

    expect(said).toEqual([`There is no trace at ${path}: generating requests instead.`]);
    expect(trace.products).toHaveLength(100_000);
    expect(trace.source).toBe('Zipf(0.8) over 14000 objects');
  });

  it('refuses a file that is no trace', () => {
    const path = join(directory(), 'text');
    writeFileSync(path, 'hello');

    expect(() => loadTrace(parseOptions([path]), path, silent)).toThrow(
      `${path} is no trace: 5 bytes are no list of 32-bit integers.`,
    );
  });
});
