// Sends a real HTTP trace at the sample, restarts it, and prints which layer answered, and how fast.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HttpClient } from './replay/http-client.js';
import { sendAll, type LoadResult } from './replay/load.js';
import { parseOptions, USAGE, type ReplayOptions } from './replay/options.js';
import { Progress } from './replay/progress.js';
import { reportOf } from './replay/report.js';
import { SampleProcess } from './replay/sample-process.js';
import { loadTrace, type Trace } from './replay/trace.js';
import type { SampleStats } from './stats.controller.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEFAULT_TRACE = '../shared/traces/web12.trace.gz';

const say = (line: string): void => console.log(line);

// Interrupted, it leaves nothing behind either.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  process.exitCode = await run(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.error('npm run replay -- --help says how it is used.');
  process.exitCode = 2;
}

async function run(options: ReplayOptions): Promise<number> {
  if (options.help) {
    say(USAGE);
    return 0;
  }
  // npm runs scripts in the repository's root; a path is relative to the directory of the user.
  const from = process.env['INIT_CWD'] ?? process.cwd();
  const asked = options.trace === undefined ? undefined : resolve(from, options.trace);
  const trace = loadTrace({ ...options, trace: asked }, resolve(ROOT, DEFAULT_TRACE), say);
  const { products, distinct } = trace;
  say(`${products.length} requests to ${distinct} products: ${trace.source}`);
  return options.url === undefined
    ? replayOwn(trace, options)
    : replayAt(options.url, trace, options);
}

/** Replays at a sample that runs already, whatever its cache holds. */
async function replayAt(url: string, trace: Trace, options: ReplayOptions): Promise<number> {
  const result = await replay(url, trace, options);
  say(`\n${reportOf(result)}`);
  return result.failed === 0 ? 0 : 1;
}

/** Replays at a sample of our own with an empty cache, and once more after its restart. */
async function replayOwn(trace: Trace, options: ReplayOptions): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'hypercache-replay-'));
  const environment = {
    HYPERCACHE_SQLITE_PATH: join(directory, 'cache'),
    CATALOG_PATH: join(directory, 'catalog.sqlite'),
  };
  let sample = await SampleProcess.start(MAIN, environment);
  process.once('exit', () => {
    void sample.stop('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  try {
    const first = await replay(sample.url, trace, options);
    say(`\n${reportOf(first)}`);

    await sample.stop();
    const stoppedAt = performance.now();
    sample = await SampleProcess.start(MAIN, environment);
    const startMs = Math.round(performance.now() - stoppedAt);
    const slice = { ...trace, products: trace.products.subarray(0, options.slice) };
    say(`\nRestarted in ${startMs} ms; the first ${slice.products.length} again, one at a time:`);
    const second = await replay(sample.url, slice, { ...options, concurrency: 1 });
    say(`\n${reportOf(second)}`);
    return first.failed + second.failed === 0 ? 0 : 1;
  } finally {
    await sample.stop();
  }
}

async function replay(url: string, trace: Trace, options: ReplayOptions): Promise<LoadResult> {
  const client = new HttpClient(url, options.concurrency);
  try {
    const origin = await originOf(client);
    if (trace.distinct > origin.products) {
      say(`The catalogue has only ${origin.products} products: the others share theirs.`);
    }
    const products = trace.products.map((product) => ((product - 1) % origin.products) + 1);
    const progress = new Progress(products.length, process.stdout);
    const result = await sendAll(client, products, options.concurrency, progress.update);
    result.originReads = (await originOf(client)).reads - origin.reads;
    return result;
  } finally {
    client.close();
  }
}

async function originOf(client: HttpClient): Promise<SampleStats['origin']> {
  const { body } = await client.get('/stats');
  return (JSON.parse(body) as SampleStats).origin;
}
