const NUMBERS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const ONE_DIGIT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const KIB = 1024;
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** '1,234'. @internal */
export function formatCount(count: number): string {
  return NUMBERS.format(count);
}

/** With one decimal below 10: '0.4', '1,234'. @internal */
export function formatRate(rate: number): string {
  return Math.abs(rate) < 10 ? ONE_DIGIT.format(rate) : NUMBERS.format(rate);
}

/** A number from 0 to 1, as '99.5 %'. @internal */
export function formatRatio(ratio: number): string {
  return `${ONE_DIGIT.format(100 * ratio)} %`;
}

/** '17 B', '1.5 MiB'. @internal */
export function formatBytes(bytes: number): string {
  if (bytes < KIB) return `${formatCount(bytes)} B`;
  let scaled = bytes / KIB;
  let unit = 0;
  while (scaled >= KIB && unit < UNITS.length - 1) {
    scaled /= KIB;
    unit++;
  }
  return `${formatRate(scaled)} ${UNITS[unit] ?? ''}`;
}

/** '12 ms', '1.5 s', '3 min 20 s', '2 h 5 min', '4 d 3 h'. @internal */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${formatCount(ms)} ms`;
  if (ms < MINUTE_MS) return `${formatRate(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return twoParts(ms, [MINUTE_MS, 'min'], [SECOND_MS, 's']);
  if (ms < DAY_MS) return twoParts(ms, [HOUR_MS, 'h'], [MINUTE_MS, 'min']);
  return twoParts(ms, [DAY_MS, 'd'], [HOUR_MS, 'h']);
}

type Step = readonly [ms: number, unit: string];

function twoParts(ms: number, [large, largeUnit]: Step, [small, smallUnit]: Step): string {
  const rest = Math.floor((ms % large) / small);
  const first = `${formatCount(Math.floor(ms / large))} ${largeUnit}`;
  return rest === 0 ? first : `${first} ${rest} ${smallUnit}`;
}

/** The time of day in UTC, as '14:03:22.125'. @internal */
export function formatTime(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
