import { ServerUnfitError, ServerUnreachableError } from '../common/server-errors.js';
import type { Random } from '../common/random.js';
import type { Commands, Reply } from './redis-link.js';
import type { RedisKeys } from './redis-keys.js';
import type { Script } from './script.js';
import { ENROL } from './scripts/enrol.js';
import { RIGHTS } from './scripts/rights.js';

/** What the probe found out about the server. @internal */
export interface ServerFacts {
  /** Such as `'redis 7.0.15'`. */
  readonly server: string;
  /** Made by each process of the server when it starts. */
  readonly runId: string | undefined;
  /** Unix ms. */
  readonly now: number;
}

/** A node's place in a cache. @internal */
export interface Enrolment {
  /** From 1 to 127. Revisions that this connection makes belong to this slot. */
  readonly slot: number;
  /** The number of buckets of each namespace. */
  readonly buckets: number;
}

/** @internal */
export interface ProbeParts {
  readonly scripts: readonly Script[];
  /** Whether the server must be a master of a cluster. @default false */
  readonly isInCluster?: boolean;
}

/** @internal */
export interface EnrolParts {
  readonly random: Random;
  /** The number that the cache must have; undefined takes the one that it has. */
  readonly buckets: number | undefined;
  /** The number that an empty cache gets when `buckets` is undefined. */
  readonly byDefault: number;
}

/** The version of the entry layout. This release reads no other version. */
const LAYOUT = 1;

/** How many numbers there are by which nodes tell their own revisions apart. */
const WRITER_NUMBERS = 127;

/**
 * Checks whether a server can serve as a cache, and loads the scripts.
 *
 * @throws {HC_SERVER_UNFIT} with every problem at once
 * @internal
 */
export async function probe(
  commands: Commands,
  keys: RedisKeys,
  { scripts, isInCluster = false }: ProbeParts,
): Promise<ServerFacts> {
  const problems: string[] = [];
  const ask = async (right: string, asked: Promise<Reply>): Promise<Reply> => {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof ServerUnfitError)) throw error;
      problems.push(mayNot(right));
      return null;
    }
  };
  const [info, role] = await Promise.all([
    ask('info', commands.call(['INFO'])),
    ask('role', commands.call(['ROLE'])),
  ]);
  const facts = factsOf(info);
  // The map of the cluster is out of date.
  if (isInCluster && isReplica(role)) throw new ServerUnreachableError('it is no master');
  problems.push(...unfit(facts, role, isInCluster));
  // A replica refuses everything below.
  if (isReplica(role)) throw new ServerUnfitError(problems);
  const loaded = scripts.map(({ text }) => commands.call(['SCRIPT', 'LOAD', text]));
  await ask('script|load', Promise.all(loaded));
  const tried = [keys.probe('k'), keys.probe('h'), keys.space('default').counter, keys.layout];
  const missing = await ask('evalsha', commands.run(RIGHTS, [], tried));
  if (Array.isArray(missing)) {
    for (const name of new Set(missing.map(String))) problems.push(mayNot(name, keys));
  }
  if (isInCluster && problems.length === 0) await checkCluster(commands, ask);
  // This request comes last: the sooner its reply is used, the more exact is the clock.
  const time = await ask('time', commands.call(['TIME']));
  if (problems.length > 0) throw new ServerUnfitError(problems);
  return { server: serverOf(facts), runId: facts.get('run_id'), now: unixMsOf(time) };
}

/** @throws {HC_SERVER_UNREACHABLE} while the cluster does not serve */
async function checkCluster(
  commands: Commands,
  ask: (right: string, asked: Promise<Reply>) => Promise<Reply>,
): Promise<void> {
  const [state] = await Promise.all([
    ask('cluster|info', commands.call(['CLUSTER', 'INFO'])),
    ask('cluster|slots', commands.call(['CLUSTER', 'SLOTS'])),
    ask('asking', commands.call(['ASKING'])),
  ]);
  if (factsOf(state).get('cluster_state') === 'fail') {
    throw new ServerUnreachableError('its cluster does not serve just now');
  }
}

/**
 * Takes a place in the cache.
 *
 * @throws {HC_SERVER_UNFIT} if the entries have another layout
 * @internal
 */
export async function enrol(
  commands: Commands,
  keys: RedisKeys,
  { random, buckets, byDefault }: EnrolParts,
): Promise<Enrolment> {
  const enrolled = await commands.run(
    ENROL,
    [keys.layout],
    [String(LAYOUT), random.hex(16), String(buckets ?? byDefault)],
  );
  const [layout, slot, count] = Array.isArray(enrolled) ? enrolled.map(String) : [];
  if (layout !== String(LAYOUT)) {
    throw new ServerUnfitError([
      `Its entries are of layout ${layout}, and this version knows ${LAYOUT}: give the option prefix another value.`,
    ]);
  }
  if (buckets !== undefined && count !== String(buckets)) {
    throw new ServerUnfitError([
      `Its entries are in ${count} buckets, not in ${buckets}: write buckets: ${count}, or give the option prefix another value.`,
    ]);
  }
  return { slot: 1 + (Number(slot) % WRITER_NUMBERS), buckets: Number(count) };
}

/** @param right the name that the server's ACL uses; `~` for the right to keys */
function mayNot(right: string, keys?: RedisKeys): string {
  return right === '~'
    ? `The user may not use the keys of this cache: ACL SETUSER <user> ${keys?.patterns ?? ''}.`
    : `The user may not run ${right}: ACL SETUSER <user> +${right}.`;
}

/** The reply of TIME in Unix ms, with fractions. @internal */
export function unixMsOf(reply: Reply): number {
  const [seconds, microseconds] = Array.isArray(reply) ? reply : [];
  return Number(String(seconds)) * 1000 + Number(String(microseconds)) / 1000;
}

function unfit(info: ReadonlyMap<string, string>, role: Reply, isInCluster: boolean): string[] {
  const problems: string[] = [];
  const version = info.get('valkey_version') ?? info.get('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < 7) {
    problems.push(`It is ${serverOf(info)}: use Redis 7.0, Valkey 7.2, or later ones.`);
  }
  if (isReplica(role)) {
    problems.push('It is a replica, which takes no writes: give the url of its master.');
  }
  if (info.get('cluster_enabled') === '1' && !isInCluster) {
    problems.push(
      'It is part of a cluster: write cluster: [{ host, port }] with some of its servers in place of url or sentinel.',
    );
  }
  if (info.get('cluster_enabled') === '0' && isInCluster) {
    problems.push('It is not part of a cluster: write url in place of cluster.');
  }
  const policy = info.get('maxmemory_policy') ?? '';
  if (policy.startsWith('allkeys') && info.get('maxmemory') !== '0') {
    problems.push(
      `Its maxmemory-policy ${policy} evicts locks and counters too: CONFIG SET maxmemory-policy ${policy.replace('allkeys', 'volatile')}.`,
    );
  }
  return problems;
}

function isReplica(role: Reply): boolean {
  return Array.isArray(role) && String(role[0]) !== 'master';
}

function serverOf(info: ReadonlyMap<string, string>): string {
  const valkey = info.get('valkey_version');
  return valkey === undefined ? `redis ${info.get('redis_version')}` : `valkey ${valkey}`;
}

/** The reply of INFO. @internal */
export function factsOf(reply: Reply): Map<string, string> {
  const lines = reply === null ? [] : String(reply).split(/\r?\n/);
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
}
