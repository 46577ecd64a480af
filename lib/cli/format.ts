const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** @internal */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

const STEPS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const;

/** Milliseconds for people; null means that it never ends. @internal */
export function formatMs(ms: number | null): string {
  if (ms === null) return 'never';
  for (const [step, unit] of STEPS) if (ms >= step) return `${(ms / step).toFixed(1)} ${unit}`;
  return `${Math.round(ms)} ms`;
}

/** A number with few digits, as people read it. @internal */
export function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 });
}

/**
 * Columns as wide as their widest cell; the last one is not padded.
 *
 * @param rightAligned columns of numbers, from 0
 * @internal
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        if (rightAligned.includes(i)) return cell.padStart(width);
        return i === row.length - 1 ? cell : cell.padEnd(width);
      })
      .join('  ');
  return rows.map((row) => `${lineOf(row)}\n`).join('');
}

/** Each row as a line of JSON. @internal */
export function formatLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Names and values, one per line; fields of objects as `outer.inner`. @internal */
export function formatFields(fields: object): string {
  return formatTable(flatten(fields, ''));
}

function flatten(fields: object, before: string): string[][] {
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    if (typeof value === 'object' && value !== null) return flatten(value, `${before}${name}.`);
    return [
      [before + name, typeof value === 'number' ? formatField(value) : printable(String(value))],
    ];
  });
}

function formatField(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** Removes what a terminal would obey: keys come from anywhere. @internal */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
