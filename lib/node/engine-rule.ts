import type { OptionProblem } from '../common/errors.js';
import { show, type OptionSpec } from './option-kinds.js';
import type { OPTIONS } from './option-table.js';

const NO_FILE = 'leave it out: the entries are on the server, and this node has no file';
const EQUALS = 'leave it out: the nodes on one server are equal, so there is no primary';
const NO_OUTBOX =
  'leave it out: there is no outbox, and a write resolves when the server has executed it';
const SERVER_BOUND = "leave it out, and set the server's maxmemory";

/** Options that mean nothing to an engine other than SQLite, and what to do instead. */
const OF_SQLITE: { readonly [Name in keyof typeof OPTIONS]?: string } = {
  sqlitePath: NO_FILE,
  fileMode: NO_FILE,
  checkpoints: NO_FILE,
  maxSize: SERVER_BOUND,
  maxEntries: SERVER_BOUND,
  changeLogEntries: 'leave it out: there is no log of changes',
  changeLogAge: 'leave it out: there is no log of changes',
  sweepInterval: 'leave it out: the server removes what has expired',
  coherenceInterval: 'leave it out: the server notifies each node of changes',
  role: EQUALS,
  primaryUrl: EQUALS,
  adminToken: EQUALS,
  acceptNewHistory: EQUALS,
  replica: 'leave it out: a node reads from its memory, and from the server',
  timeout: "write it in the engine's own options: redis({ timeout })",
  asyncRequests: NO_OUTBOX,
  outboxMaxEntries: NO_OUTBOX,
  outboxMaxBytes: NO_OUTBOX,
  outboxFull: NO_OUTBOX,
  onPrimaryLost: "write it in the engine's own options: redis({ onLost })",
  staleAfter: "write it in the engine's own options: redis({ staleAfter })",
  signRequests:
    'leave it out: the nodes have no file in which they remember requests that were signed',
  durability:
    "leave it out, or write 'normal': what a write survives is the server's appendonly and appendfsync",
};

/** Values that describe what the engine does anyway. */
const HARMLESS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['durability', 'normal'],
  ['asyncRequests', false],
  ['signRequests', false],
  ['acceptNewHistory', false],
]);

/**
 * Finds the options that belong to SQLite, or to a cluster of it, although another engine is given.
 *
 * @param values those given in code or in the environment
 * @param nameOf the name of an option as the error shows it
 * @internal
 */
export function besideEngine(
  values: Readonly<Record<string, unknown>>,
  specs: readonly (readonly [string, OptionSpec<unknown>])[],
  nameOf: (option: string) => string,
): OptionProblem[] {
  if (values['engine'] === undefined) return [];
  return specs.flatMap(([name, spec]) => {
    const value = values[name];
    const instead = OF_SQLITE[name as keyof typeof OF_SQLITE];
    if (value === undefined || instead === undefined) return [];
    if (HARMLESS.has(name) && HARMLESS.get(name) === value) return [];
    return [
      {
        option: nameOf(name),
        value: `${(spec.show ?? show)(value)} together with engine`,
        instead,
      },
    ];
  });
}
