import { existsSync, readFileSync } from 'node:fs';
import { NAMES } from './peers.mjs';
import { printTable, significant } from './table.mjs';
import { boundOf, TARGETS } from './targets.mjs';

/** What users would pick instead, one column each; a row has one contender per column. */
const COLUMNS = [
  'HyperCache',
  'cache-manager, in memory',
  'cache-manager + @keyv/sqlite',
  'cache-manager + @keyv/redis',
  'bentocache',
];

const MANY = ', 64 in flight';

/** Label, benchmark, id of its comparison, and the contenders of the columns. */
const ROWS = [
  row('get, from memory', 'l1-hit', 'small', 'HyperCache, copy', NAMES.memory, '', '', NAMES.bento),
  row('get, not in memory', 'l2-hit', 'small', ...persistent('HyperCache')),
  row('the same, 64 in flight', 'l2-hit', 'many', ...persistent('HyperCache')),
  row('wrap, a hit', 'batch', 'wrap', 'HyperCache, copy', ...others(NAMES.bento)),
  row('mget of 100', 'batch', 'mget', 'HyperCache, copy', ...others('')),
  row('set', 'set', 'small', 'HyperCache, one at a time', ...all()),
  row(
    'set, 64 in flight',
    'set',
    'small',
    `HyperCache${MANY}`,
    '',
    `${NAMES.keyvSqlite}${MANY}`,
    `${NAMES.keyvRedis}${MANY}`,
    '',
  ),
  row('9 gets to 1 set, Zipf', 'zipf', 'one', 'HyperCache', ...all()),
  row('the same, 64 in flight', 'zipf', 'many', 'HyperCache', ...all()),
  row('web12, HTTP requests', 'trace', 'trace', 'HyperCache', ...all().slice(0, 3), ''),
];

/**
 * What the stored results of the benchmarks say together.
 *
 * @param {URL} directory of the results
 * @param {readonly string[]} names of benchmarks
 */
export function summaryOf(directory, names) {
  const results = new Map(
    names
      .map((name) => [name, new URL(`${name}.json`, directory)])
      .filter(([, file]) => existsSync(file))
      .map(([name, file]) => [name, JSON.parse(readFileSync(file, 'utf8'))]),
  );
  const machines = Array.from(results.values(), ({ machine }) => machine);
  return {
    machine: machines.toSorted((a, b) => (a.date < b.date ? -1 : 1))[0],
    options: Array.from(results.values(), ({ options }) => options)[0],
    targets: TARGETS.map((target) => judged(target, results)),
    speeds: { columns: COLUMNS, rows: ROWS.map((each) => speedsOf(each, results)) },
    reports: Array.from(results, ([name, { title, reports }]) => ({ name, title, reports })).filter(
      ({ reports }) => reports.length > 0,
    ),
  };
}

/** Every promised target, whether it was measured or not. */
export function printTargets({ targets }) {
  printTable(
    ['target', 'is', 'rounds', 'wanted', ''],
    targets.map((target) => [
      target.row.replaceAll('`', ''),
      figureOf(target),
      rangeOf(target),
      boundOf(target, target.unit),
      wordOf(target),
    ]),
  );
  const measured = targets.filter(({ holds }) => holds !== undefined);
  const holding = measured.filter(({ holds }) => holds);
  console.log(
    `Targets: ${holding.length} of ${targets.length} hold` +
      `${measured.length < targets.length ? `, ${targets.length - measured.length} not measured` : ''}.\n`,
  );
}

/** @param {{ is?: number, unit?: string }} target */
export function figureOf({ is, unit = 'x' }) {
  return is === undefined ? '' : `${significant(is)}${unit}`;
}

/** @param {{ min?: number, max?: number }} target */
export function rangeOf({ min, max }) {
  return min === undefined ? '' : `${significant(min)} .. ${significant(max)}`;
}

/** @param {{ holds?: boolean }} target */
export function wordOf({ holds }) {
  if (holds === undefined) return 'not measured';
  return holds ? 'PASS' : 'short';
}

/** Operations a second, short. @param {number | undefined} speed */
export function speedText(speed) {
  if (speed === undefined) return '';
  if (speed >= 1e6) return `${significant(speed / 1e6)} M`;
  return speed >= 1e3 ? `${significant(speed / 1e3)} k` : significant(speed);
}

function judged(target, results) {
  const verdict = results.get(target.bench)?.verdicts.find(({ id }) => id === target.id);
  if (verdict === undefined) return target;
  const { ratio, value, min, max, holds } = verdict;
  return { ...target, is: ratio ?? value, min, max, holds };
}

function speedsOf({ label, bench, id, contenders }, results) {
  const comparison = results.get(bench)?.comparisons.find((each) => each.id === id);
  const speeds = contenders.map((contender) => {
    const found = comparison?.contenders.find(({ name }) => name === contender);
    return found === undefined ? undefined : 1e9 / found.median;
  });
  return { label, speeds };
}

function row(label, bench, id, ...contenders) {
  return { label, bench, id, contenders };
}

function persistent(ours) {
  return [ours, '', NAMES.keyvSqlite, NAMES.keyvRedis, NAMES.bentoSqlite];
}

function others(bento) {
  return [NAMES.memory, '', NAMES.keyvRedis, bento];
}

function all() {
  return [NAMES.memory, NAMES.keyvSqlite, NAMES.keyvRedis, NAMES.bentoSqlite];
}
