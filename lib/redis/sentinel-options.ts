import type { ConnectionOptions } from 'node:tls';

/** Where Sentinels are, and which master to ask them for. @publicApi */
export interface SentinelOptions {
  /** The name that the Sentinels give the master: the first word after `sentinel monitor`. */
  name: string;
  /** All Sentinels of the master; `port` is 26379 by default. A majority of this list decides which server is the master. */
  nodes: readonly { readonly host: string; readonly port?: number | undefined }[];
  /** The user name for the Sentinels. Those for the master are options of `redis()`. */
  username?: string | undefined;
  /** The password for the Sentinels. It appears in no log, error or statistic. */
  password?: string | undefined;
  /** Options of `tls.connect` for the connections to the Sentinels. Without them these connections are plain. */
  tls?: ConnectionOptions | undefined;
}

/** A host and a port. @internal */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** @internal */
export interface ResolvedSentinelOptions extends Omit<SentinelOptions, 'nodes'> {
  readonly nodes: readonly Address[];
}

const DEFAULT_PORT = 26_379;
const MAX_PORT = 65_535;
const KNOWN: readonly string[] = ['name', 'nodes', 'username', 'password', 'tls'];

/**
 * Validates the option `sentinel`.
 *
 * @param fault notes a problem of one field, and what to write instead
 * @internal
 */
export function resolveSentinelOptions(
  given: unknown,
  fault: (field: string, instead: string) => void,
): ResolvedSentinelOptions | undefined {
  if (typeof given !== 'object' || given === null) {
    fault('', "write an object such as { name: 'cache', nodes: [{ host: 'sentinel-1' }] }");
    return undefined;
  }
  for (const field of Object.keys(given)) {
    if (!KNOWN.includes(field)) fault(field, `leave it out; known are ${KNOWN.join(', ')}`);
  }
  const { name, nodes, username, password, tls } = given as Partial<SentinelOptions>;
  if (typeof name !== 'string' || name === '') {
    fault('name', 'write the name that the Sentinels give the master');
  }
  const places = addressesOf(nodes, DEFAULT_PORT);
  if (places.length === 0) {
    fault('nodes', "write all Sentinels, such as [{ host: 'sentinel-1', port: 26379 }]");
  }
  if (new Set(places.map(nameOf)).size < places.length) {
    fault('nodes', 'write each Sentinel once, because a majority of them decides');
  }
  for (const [field, text] of Object.entries({ username, password })) {
    if (text !== undefined && typeof text !== 'string') fault(field, 'write a string');
  }
  if (tls !== undefined && (typeof tls !== 'object' || tls === null)) {
    fault('tls', 'write an object: the options of tls.connect');
  }
  return { name: String(name), nodes: places, username, password, tls };
}

/** An address as text. @internal */
export function nameOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

/** The addresses in a list that a caller gave; empty when any of them is none. @internal */
export function addressesOf(nodes: unknown, defaultPort: number): Address[] {
  const given: unknown[] = Array.isArray(nodes) ? nodes : [];
  const addresses = given.flatMap((node) => addressOf(node, defaultPort) ?? []);
  return addresses.length < given.length ? [] : addresses;
}

function addressOf(node: unknown, defaultPort: number): Address | undefined {
  const { host, port = defaultPort } = (node ?? {}) as Partial<Address>;
  const isPort = Number.isInteger(port) && port > 0 && port <= MAX_PORT;
  return typeof host === 'string' && host !== '' && isPort ? { host, port } : undefined;
}
