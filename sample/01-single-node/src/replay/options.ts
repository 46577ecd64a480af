import { parseArgs } from 'node:util';

export interface ReplayOptions {
  /** A trace to read; undefined means the default one, if it is there. */
  trace: string | undefined;
  /** Generate requests even if there is a trace. */
  zipf: boolean;
  /** Send only this many requests; for a generated trace, how many to generate. */
  requests: number | undefined;
  /** Distinct objects and skew of generated requests. */
  objects: number;
  skew: number;
  /** Requests in flight, each on a connection of its own. */
  concurrency: number;
  /** Requests sent once more after the restart. */
  slice: number;
  /** An application that already runs; it is not restarted. */
  url: string | undefined;
  help: boolean;
}

export const USAGE = `npm run replay -- [trace] [options]

  trace                a gzipped or plain file of big-endian 32-bit integers, one per request
  --zipf               generate requests even if the default trace is there
  --requests <n>       send only the first n requests (default: all; 100000 generated ones)
  --objects <n>        distinct objects of generated requests (default: 14000)
  --skew <s>           exponent of their Zipf distribution (default: 0.8)
  --concurrency <n>    requests in flight (default: 32)
  --slice <n>          requests sent again after a restart (default: 2000)
  --url <url>          send to a running sample instead of starting one
  --help               say this
`;

/** @throws when an argument is unknown or no number */
export function parseOptions(args: readonly string[]): ReplayOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      zipf: { type: 'boolean', default: false },
      requests: { type: 'string' },
      objects: { type: 'string', default: '14000' },
      skew: { type: 'string', default: '0.8' },
      concurrency: { type: 'string', default: '32' },
      slice: { type: 'string', default: '2000' },
      url: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 1) throw new Error(`One trace at a time: ${positionals.join(' ')}`);
  return {
    trace: positionals[0],
    zipf: values.zipf,
    requests: values.requests === undefined ? undefined : count('requests', values.requests),
    objects: count('objects', values.objects),
    skew: positive('skew', values.skew),
    concurrency: count('concurrency', values.concurrency),
    slice: count('slice', values.slice),
    url: values.url,
    help: values.help,
  };
}

function count(name: string, text: string): number {
  const value = positive(name, text);
  if (!Number.isSafeInteger(value)) throw new Error(`--${name} ${text} is no whole number.`);
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text} is no number above 0.`);
  return value;
}
