import { HyperCacheError } from '../../common/errors.js';
import { VERSION } from '../../common/version.js';
import { formatPosition, type Position } from '../../cluster/wire/position.js';
import { PROTOCOL_VERSION } from '../../cluster/wire/sync-endpoint.js';
import { ApiClient } from '../../http/client/api-client.js';
import { isHttpUrl } from '../../node/option-checks.js';
import { apiPathOf, apiTokenIn } from '../api-access.js';
import { ok, problem, skipped, warning, type Finding, type Patient } from './finding.js';

const TIMEOUT_MS = 5000;
/** Dates of answers are whole seconds. */
const CLOCK_TOLERANCE_MS = 5000;

interface Ping {
  readonly role: string;
  /** null where another engine than SQLite holds the entries. */
  readonly position: Position | null;
  readonly version: string;
  readonly protocol: number;
}

/** Whether the primary answers, and this node can follow it. @internal */
export async function checkPrimary(patient: Patient): Promise<Finding[]> {
  const { environment, apiPath } = patient;
  const url = patient.url ?? environment['HYPERCACHE_PRIMARY_URL'] ?? '';
  const token = apiTokenIn(environment);
  if (url === '') return [skipped('primary', 'neither HYPERCACHE_PRIMARY_URL nor --url is given')];
  if (!isHttpUrl(url)) {
    return [
      problem(
        'primary',
        'Its address is no http or https URL.',
        'Write it as http://10.0.0.1:3000.',
      ),
    ];
  }
  if (token === '')
    return [
      skipped(
        'primary',
        'HYPERCACHE_API_TOKEN is not given, and the primary answers nothing without it',
      ),
    ];
  const client = new ApiClient({ url, path: apiPathOf(apiPath), token, timeoutMs: TIMEOUT_MS });
  try {
    // The node answers with its own error.
    const ping = (await client.request('GET', '/ping')) as Ping;
    const { position } = ping;
    if (position === null) {
      return [
        problem(
          'primary',
          `${client.url} keeps its entries on a server, and has no feed that a secondary could follow.`,
          'Give this node the same engine, or point primaryUrl (or HYPERCACHE_PRIMARY_URL) at a primary.',
        ),
      ];
    }
    const isPrimary = ping.role === 'primary';
    return [
      isPrimary
        ? ok('primary', `${client.url} answers as the primary, revision ${position.revision}`)
        : problem(
            'primary',
            `${client.url} answers as a ${ping.role}.`,
            'Point primaryUrl (or HYPERCACHE_PRIMARY_URL) at the primary of the cluster.',
          ),
      versionOf(ping),
      clockOf(client.clockOffset),
      ...(isPrimary ? [await feedOf(client, position, patient.feedTimeoutMs)] : []),
    ];
  } catch (error) {
    if (!(error instanceof HyperCacheError)) throw error;
    return [problem('primary', `${error.code}: ${error.message}`, error.hint)];
  } finally {
    client.close();
  }
}

function versionOf({ version, protocol }: Ping): Finding {
  if (protocol !== PROTOCOL_VERSION) {
    return problem(
      'protocol',
      `The primary speaks protocol ${protocol}, this release ${PROTOCOL_VERSION}.`,
      'Run the same version of nestjs-hypercache on all nodes.',
    );
  }
  if (version === VERSION) return ok('protocol', `the same release, ${VERSION}`);
  return warning(
    'protocol',
    `The primary runs ${version}, this is ${VERSION}.`,
    'Upgrade secondaries first, then the primary; do not run two releases for long.',
  );
}

function clockOf(offset: number | undefined): Finding {
  if (offset === undefined) return skipped('clocks', 'the primary sent no time');
  // Its date has no fraction of a second, and the answer took time to travel.
  if (Math.abs(offset) <= CLOCK_TOLERANCE_MS) return ok('clocks', 'they agree within seconds');
  return warning(
    'clocks',
    `The clock of the primary is ${Math.round(Math.abs(offset) / 1000)} s ${offset > 0 ? 'ahead' : 'behind'}.`,
    'Let both machines keep time (chrony, systemd-timesyncd): signed requests are refused from 30 s on.',
  );
}

/** The feed of a replica begins with a few bytes immediately, unless a proxy holds them back. */
async function feedOf(client: ApiClient, position: Position, timeoutMs: number): Promise<Finding> {
  const query = new URLSearchParams({
    protocol: String(PROTOCOL_VERSION),
    replica: 'hypercache-doctor',
    position: formatPosition(position),
  });
  if (await client.begins(`/sync/feed?${query.toString()}`, timeoutMs)) {
    return ok('change feed', 'it flows');
  }
  return problem(
    'change feed',
    `Nothing of it arrived within ${timeoutMs} ms: a proxy in between keeps answers until they end.`,
    'Turn that off for the path of the API (nginx: proxy_buffering off), or point primaryUrl past the proxy.',
  );
}
