import { HyperCacheError } from '../../common/errors.js';
import { ServerUnfitError } from '../../common/server-errors.js';
import { resolveRedisOptions } from '../../redis/redis-options.js';
import { reportOnServer, type ServerReport } from '../../redis/server-report.js';
import { isServerUrl, withPassword } from '../server-access.js';
import { ok, problem, warning, type Finding, type Patient } from './finding.js';

const TIMEOUT_MS = 5000;
/** Above this, reads that memory cannot answer are slow. */
const SLOW_MS = 10;

/** The address of the server of an engine; undefined where the node has a file. @internal */
export function serverUrlOf({
  url,
  environment,
}: Pick<Patient, 'url' | 'environment'>): string | undefined {
  const known = environment['HYPERCACHE_REDIS_URL'];
  if (url !== undefined) return isServerUrl(url) ? withPassword(url, known) : undefined;
  return known === '' ? undefined : known;
}

/** Whether the server of an engine can serve, and what it could lose. @internal */
export async function checkServer(patient: Patient): Promise<Finding[]> {
  try {
    const timeout = TIMEOUT_MS;
    const { url = '' } = { url: serverUrlOf(patient) };
    const options = resolveRedisOptions({ url, timeout, connectTimeout: timeout }, {});
    const report = await reportOnServer({ ...options, buckets: undefined });
    return [
      ok('server', `${report.server} can serve, with every right that is needed`),
      ...memoryOf(report),
      persistenceOf(report),
      roundTripOf(report),
      passwordOf(url),
    ];
  } catch (error) {
    if (error instanceof ServerUnfitError) {
      return error.problems.map((line) => problem('server', line, error.hint));
    }
    if (!(error instanceof HyperCacheError)) throw error;
    return [problem('server', `${error.code}: ${error.message}`, error.hint)];
  }
}

function memoryOf({ policy, maxMemory }: ServerReport): Finding[] {
  if (maxMemory > 0) return [ok('server memory', `${maxMemory} bytes at most, ${policy}`)];
  return [
    warning(
      'server memory',
      'It has no maxmemory: it grows until the machine has no memory left.',
      'CONFIG SET maxmemory <bytes>, and maxmemory-policy volatile-lru.',
    ),
  ];
}

function persistenceOf({ persistence }: ServerReport): Finding {
  if (persistence === 'appendonly') return ok('server persistence', 'it keeps a log (appendonly)');
  const kept = persistence === 'none' ? 'nothing' : 'only what its last snapshot has';
  return warning(
    'server persistence',
    `After a restart it has ${kept}: entries, locks and counters are lost with it.`,
    'CONFIG SET appendonly yes, unless all of that may be lost.',
  );
}

function roundTripOf({ roundTripMs }: ServerReport): Finding {
  const took = `a round trip takes ${roundTripMs.toFixed(1)} ms`;
  if (roundTripMs <= SLOW_MS) return ok('server distance', took);
  return warning(
    'server distance',
    `${took}.`,
    'Use a server in the same network as the application.',
  );
}

function passwordOf(url: string): Finding {
  if (new URL(url).password !== '') return ok('server access', 'by a password');
  return warning(
    'server access',
    'It lets this client in without a password.',
    'Give the cache a user of its own: docs/redis.md has the line.',
  );
}
