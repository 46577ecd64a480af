import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Workshop } from './contenders.mjs';
import { printTable, significant } from './table.mjs';
import { boundOf, targetOf } from './targets.mjs';

/**
 * One thing that is measured.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {boolean} [elsewhere] another process does the work: the processor time of this one says nothing
 * @property {import('./loop.mjs').Loop | ((operations: number) => unknown)} run the measured work; awaited. What
 *   can time each operation by itself has p50 and p99 too
 * @property {() => unknown} [prepare] awaited before each round, outside its time
 * @property {() => unknown} [settle] awaited after each round, outside its time
 */

/**
 * What a contender must reach: a ratio of speeds, the reference being 1.
 *
 * @typedef {object} Target
 * @property {string} of
 * @property {string} to the reference
 * @property {string} [id] of a promised target, which says how much
 * @property {number} [atLeast] without either, the ratio is only shown
 */

/**
 * @typedef {object} BenchOptions
 * @property {number} rounds
 * @property {number} roundMs what a round is calibrated to take
 * @property {boolean} full everything, however long it takes
 * @property {boolean} quick few entries and short rounds: to see that it runs, not how fast
 * @property {number} seconds how long the benchmarks under a steady load run
 * @property {string} [group] part of the titles of the comparisons to run
 * @property {string} [only] part of the names of the contenders to run, for a profile
 * @property {string} [directory] for the files
 * @property {string} [trace] file of requests
 */

const gc = collector();

/** Collects all garbage: the second pass takes what the finalizers of the first one have released. */
export function collectGarbage() {
  gc();
  gc();
}

const LATENCY_ROUNDS = 3;
const LATENCY_SAMPLES = 20_000;

/** One benchmark's run: its files, its measurements, its verdicts. */
export class Bench {
  /** @type {object[]} */
  comparisons = [];
  /** @type {object[]} */
  reports = [];
  /** @type {object[]} every target and whether it holds */
  verdicts = [];

  /** @param {BenchOptions} options */
  constructor(options) {
    this.options = options;
    this.workshop = new Workshop(options.directory);
  }

  /** A number of entries: as it is, or a tenth of it in a quick run. */
  scale(entries) {
    return this.options.quick ? Math.max(1000, Math.round(entries / 10)) : entries;
  }

  /**
   * Measures the contenders in turn, round after round, so that other work of the machine affects all of them alike,
   * and prints medians and ratios.
   *
   * @param {object} comparison
   * @param {string} comparison.title
   * @param {string} [comparison.id] by which the summary finds it
   * @param {string} comparison.unit what one operation is
   * @param {(Contender | undefined)[] | (() => Promise<(Contender | undefined)[]>)} comparison.contenders
   *   or a function that prepares them, and what it opens is closed afterwards; `undefined` means one whose peer
   *   is missing
   * @param {Target[]} [comparison.targets]
   * @param {(measured: { times: Map<string, number[]>, latencies: Map<string, { p50: number, p99: number }> }) => void}
   *   [comparison.onMeasured] receives the nanoseconds per operation, by contender and round, and the microseconds of
   *   single operations
   */
  compare(comparison) {
    return this.workshop.scope(() => this.#compare(comparison));
  }

  /**
   * As {@link compare}, for times that the benchmark has measured itself.
   *
   * @param {object} comparison title, id, unit and targets as there
   * @param {Map<string, number[]>} comparison.times nanoseconds per operation, by contender and round
   * @param {Map<string, { p50: number, p99: number }>} comparison.latencies microseconds
   */
  record({ targets = [], ...comparison }) {
    this.#show({ ...comparison, targets });
  }

  async #compare({ title, id, unit, contenders, targets = [], onMeasured }) {
    const { group = '', only = '', rounds } = this.options;
    if (!title.includes(group)) return;
    const chosen = (await prepared(contenders)).filter((contender) =>
      contender?.name.includes(only),
    );
    if (chosen.length === 0) return;
    const operations = new Map();
    for (const one of chosen) operations.set(one.name, await this.#calibrate(one));
    const times = new Map(chosen.map(({ name }) => [name, []]));
    const here = chosen.filter(({ elsewhere }) => elsewhere !== true);
    const cpuTimes = new Map(here.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const contender of chosen) {
        const { name } = contender;
        const count = operations.get(name);
        const { elapsed, cpu } = await timed(contender, count);
        times.get(name).push(elapsed / count);
        cpuTimes.get(name)?.push(cpu / count);
      }
    }
    const latencies = await this.#latencies(chosen, operations);
    this.#show({ title, id, unit, times, cpuTimes, latencies, operations, targets });
    onMeasured?.({ times, latencies });
  }

  /** Microseconds of single operations, again by turns. */
  async #latencies(chosen, operations) {
    const able = chosen.filter(({ run }) => run.latencies !== undefined);
    const found = new Map(able.map(({ name }) => [name, []]));
    for (let round = 0; round < LATENCY_ROUNDS; round++) {
      for (const { name, run, prepare } of able) {
        await prepare?.();
        gc();
        const count = Math.min(operations.get(name), LATENCY_SAMPLES);
        found.get(name).push(await run.latencies(count));
      }
    }
    return new Map(
      Array.from(found, ([name, rounds]) => {
        const all = Float64Array.from(rounds.flatMap((round) => Array.from(round))).toSorted();
        const at = (share) =>
          all[Math.min(all.length - 1, Math.ceil(share * all.length) - 1)] * 1000;
        return [name, { p50: at(0.5), p99: at(0.99) }];
      }),
    );
  }

  /**
   * Prints a ratio that does not come from {@link compare}, and judges it.
   *
   * @param {object} finding
   * @param {string} finding.what
   * @param {number} finding.ratio of the medians
   * @param {number} finding.best of the fastest rounds
   * @param {number} [finding.cpu] of the processor time of this process: what a busy machine distorts least
   * @param {number[]} finding.ratios one per round
   * @param {number} [finding.atLeast]
   * @param {string} [finding.id] of a promised target, instead of `atLeast`
   */
  judge({ what, ratio, best, cpu, ratios, id, atLeast = boundsOf(id).atLeast }) {
    const verdict = {
      id,
      what,
      ratio,
      best,
      cpu,
      min: Math.min(...ratios),
      max: Math.max(...ratios),
      atLeast,
      holds: atLeast === undefined ? undefined : ratio >= atLeast,
    };
    this.verdicts.push(verdict);
    return verdict;
  }

  /** @param {object[]} verdicts as returned by {@link judge} */
  printVerdicts(verdicts) {
    if (verdicts.length === 0) return;
    printTable(
      ['ratio of speeds', 'median', 'best', 'cpu', 'rounds', 'target', ''],
      verdicts.map(({ what, ratio, best, cpu, min, max, atLeast, holds }) => [
        what,
        `${significant(ratio)}x`,
        `${significant(best)}x`,
        cpu === undefined ? '' : `${significant(cpu)}x`,
        `${significant(min)} .. ${significant(max)}`,
        boundOf({ atLeast }),
        verdictOf(holds),
      ]),
    );
  }

  /**
   * Prints single figures, with bounds for some.
   *
   * @param {object} report
   * @param {string} report.title
   * @param {{ what: string, value: number, unit: string, atMost?: number, atLeast?: number, id?: string }[]} report.rows
   *   a row with the id of a promised target has its bounds
   */
  report({ title, rows }) {
    const judged = rows
      .map((row) => ({ ...row, ...boundsOf(row.id) }))
      .map((row) => ({ ...row, holds: holdsOf(row) }));
    this.reports.push({ title, rows: judged });
    for (const { id, what, value, unit, atMost, atLeast, holds } of judged) {
      if (holds !== undefined) {
        this.verdicts.push({ id, what: `${title}: ${what}`, value, unit, atMost, atLeast, holds });
      }
    }
    console.log(`  ${title}`);
    printTable(
      ['figure', 'value', 'target', ''],
      judged.map(({ what, value, unit, atMost, atLeast, holds }) => [
        what,
        `${significant(value)} ${unit}`,
        boundOf({ atMost, atLeast }, ` ${unit}`),
        verdictOf(holds),
      ]),
    );
  }

  #show({ title, id, unit, times, cpuTimes = new Map(), latencies, operations, targets }) {
    const medians = mediansOf(times);
    const cpuMedians = mediansOf(cpuTimes);
    const cpuRatio = (of, to) =>
      cpuMedians.has(of) && cpuMedians.has(to)
        ? cpuMedians.get(to) / cpuMedians.get(of)
        : undefined;
    console.log(`  ${title}`);
    printTable(
      ['contender', `ns / ${unit}`, 'cpu', 'per second', 'rounds', 'p50 us', 'p99 us'],
      Array.from(times, ([name, all]) => [
        name,
        significant(medians.get(name)),
        shown(cpuMedians.get(name)),
        Math.round(1e9 / medians.get(name)).toLocaleString('en-US'),
        `${significant(Math.min(...all))} .. ${significant(Math.max(...all))}`,
        shown(latencies.get(name)?.p50),
        shown(latencies.get(name)?.p99),
      ]),
    );
    const verdicts = targets
      .filter(({ of, to }) => medians.has(of) && medians.has(to))
      .map(({ of, to, id: target, atLeast }) =>
        this.judge({
          id: target,
          what: `${title}: ${of} to ${to}`,
          ratio: medians.get(to) / medians.get(of),
          best: Math.min(...times.get(to)) / Math.min(...times.get(of)),
          cpu: cpuRatio(of, to),
          ratios: times.get(of).map((time, round) => times.get(to)[round] / time),
          atLeast,
        }),
      );
    this.printVerdicts(
      verdicts.map((verdict) => ({ ...verdict, what: verdict.what.slice(title.length + 2) })),
    );
    this.comparisons.push({
      id,
      title,
      unit,
      contenders: Array.from(times, ([name, rounds]) => ({
        name,
        operations: operations?.get(name),
        median: medians.get(name),
        cpu: cpuMedians.get(name),
        ...latencies.get(name),
        rounds,
      })),
    });
  }

  /** How many operations take a round; running them warms the code up. */
  async #calibrate(contender) {
    const { roundMs } = this.options;
    let operations = 16;
    for (let steps = 0; steps < 20; steps++) {
      const ms = (await timed(contender, operations)).elapsed / 1e6;
      if (ms > roundMs * 0.75 && ms < roundMs * 1.33) break;
      const factor = roundMs / Math.max(ms, 1e-3);
      operations = Math.max(1, Math.round(operations * Math.min(8, factor)));
    }
    return operations;
  }
}

function prepared(contenders) {
  return typeof contenders === 'function' ? contenders() : contenders;
}

/** Nanoseconds of one round, on the clock and on the processor. */
async function timed({ run, prepare, settle }, operations) {
  await prepare?.();
  gc();
  await nextTurn();
  const cpuBefore = process.cpuUsage();
  const start = process.hrtime.bigint();
  await run(operations);
  const elapsed = Number(process.hrtime.bigint() - start);
  const { user, system } = process.cpuUsage(cpuBefore);
  await settle?.();
  return { elapsed, cpu: (user + system) * 1000 };
}

/** @param {Map<string, number[]>} figures by contender and round */
function mediansOf(figures) {
  return new Map(Array.from(figures, ([name, all]) => [name, median(all)]));
}

/** @param {readonly number[]} figures */
export function median(figures) {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {readonly number[]} figures @param {number} share from 0 to 1 */
export function percentile(figures, share) {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

function shown(figure) {
  return figure === undefined ? '' : significant(figure);
}

function verdictOf(holds) {
  if (holds === undefined) return '';
  return holds ? 'PASS' : 'short';
}

function collector() {
  if (typeof globalThis.gc === 'function') return globalThis.gc;
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

function holdsOf({ value, atMost, atLeast }) {
  if (atMost !== undefined) return value <= atMost;
  return atLeast === undefined ? undefined : value >= atLeast;
}

/** @param {string} [id] of a promised target */
function boundsOf(id) {
  if (id === undefined) return {};
  const { atLeast, atMost } = targetOf(id);
  return { atLeast, atMost };
}
