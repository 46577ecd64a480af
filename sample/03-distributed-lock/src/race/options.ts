import { parseArgs } from 'node:util';

export interface RaceOptions {
  workers: number;
  /** Reports to wait for. */
  rounds: number;
  /** The second of the minute at which reports are made; undefined means each. */
  second: number | undefined;
  /** They all ask at once. */
  buyers: number;
  seats: number;
  /** Sell seats without the lock, to see what it is good for. */
  withoutLock: boolean;
}

export const USAGE = `npm run sample:lock -- [options]

  --workers <n>     processes on the cache file (default: 4)
  --rounds <n>      reports to wait for (default: 5)
  --second <0-59>   make reports at this second of each minute (default: each second)
  --buyers <n>      buyers who want a seat at the same time (default: 200)
  --seats <n>       seats that there are (default: 20)
  --without-lock    sell seats without the lock, to see what it is good for
`;

/** @throws when an argument is unknown or no such number */
export function parseOptions(args: readonly string[]): RaceOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workers: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '5' },
      second: { type: 'string' },
      buyers: { type: 'string', default: '200' },
      seats: { type: 'string', default: '20' },
      'without-lock': { type: 'boolean', default: false },
    },
  });
  const { second } = values;
  return {
    workers: whole('workers', values.workers, 1, 64),
    rounds: whole('rounds', values.rounds, 1),
    second: second === undefined ? undefined : whole('second', second, 0, 59),
    buyers: whole('buyers', values.buyers, 1, 10_000),
    seats: whole('seats', values.seats, 1),
    withoutLock: values['without-lock'],
  };
}

function whole(name: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min && value <= max) {
    return value;
  }
  const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw new Error(`--${name} ${text} is no whole number ${bounds}.`);
}
