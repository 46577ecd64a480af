import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HyperCacheError, InvalidArgumentError } from '../common/errors.js';
import { acceptNewHistory } from '../admin/accept-new-history.js';
import { adopt } from '../admin/adopt.js';
import { backUpFile } from '../admin/back-up-file.js';
import { inspect } from '../admin/inspect.js';
import { promote } from '../admin/promote.js';

/** What a command says, and how its process ends. @internal */
export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

const USAGE = `Usage: hypercache <command> --path <sqlitePath>

  promote             makes a stopped secondary the primary, with its data
  adopt               makes the file of a stopped primary, or a backup of it, a replica
  accept-new-history  lets a stopped secondary follow a primary that has begun anew
  backup --to <file>  copies the file of a node, running or stopped
  inspect [--json]    prints role, history, epoch, revision and ancestors

docs/operations.md says when to use which.
`;

interface Given {
  readonly path: string;
  readonly to: string | undefined;
  readonly json: boolean;
}

const COMMANDS: { readonly [name: string]: (given: Given) => string | Promise<string> } = {
  promote: ({ path }) => {
    const { position, former, formerUrl, isComplete, waiting } = promote(path);
    return [
      `Promoted: history ${position.historyId}, epoch ${position.epoch}, from revision ${position.revision} on.`,
      `It goes on from history ${former.historyId}, epoch ${former.epoch}, revision ${former.revision}.`,
      ...(isComplete
        ? []
        : ['This node was catching up: the other replicas will take a snapshot.']),
      ...(waiting === 0
        ? []
        : [
            `${waiting} asynchronous writes wait in this node's outbox: it does them at its start, but for those that the former primary had done.`,
          ]),
      "Start it with role: 'primary' and an apiToken, and point primaryUrl of the others at it.",
      formerUrl === undefined
        ? 'Where the former primary was is not known here: make sure that it does not come back.'
        : `It will tell the former primary at ${formerUrl} to refuse, as soon as that answers, if both have the same adminToken.`,
    ].join('\n');
  },
  adopt: ({ path }) => {
    const { historyId, epoch, revision } = adopt(path);
    return `Adopted: a replica of history ${historyId}, epoch ${epoch}, revision ${revision}. Start it with role: 'secondary'.`;
  },
  'accept-new-history': ({ path }) => {
    acceptNewHistory(path);
    return 'Accepted: the next primary that this secondary connects to is followed, whatever its history.';
  },
  backup: async ({ path, to }) => {
    if (to === undefined) throw wrong('backup needs --to <file>');
    const { bytes, revision } = await backUpFile(path, resolve(to));
    return `Backed up to ${resolve(to)}: ${bytes} bytes, revision ${revision}.`;
  },
  inspect: ({ path, json }) => {
    const inspection = inspect(path);
    if (json) return JSON.stringify(inspection, null, 2);
    const { role, position, oldestChange, ancestors, isComplete } = inspection;
    const { primaryUrl, supersededBy, untold } = inspection;
    return [
      `role       ${role}${supersededBy === undefined ? '' : `, superseded by ${supersededBy}`}`,
      `history    ${position.historyId}`,
      `epoch      ${position.epoch}`,
      `revision   ${position.revision} (the log begins at ${oldestChange})`,
      ...(isComplete ? [] : ['incomplete it was catching up']),
      ...(primaryUrl === undefined ? [] : [`primary    ${primaryUrl}`]),
      ...(untold === undefined ? [] : [`untold     ${untold}`]),
      ...ancestors.map(
        ({ historyId, epoch, revision }) =>
          `ancestor   ${historyId}, epoch ${epoch}, up to revision ${revision}`,
      ),
    ].join('\n');
  },
};

/**
 * Runs a command line.
 *
 * @param args without those of Node
 * @internal
 */
export async function runCommand(args: readonly string[]): Promise<Outcome> {
  try {
    const { values, positionals } = parse(args);
    const [name = 'help', ...more] = positionals;
    if (values.help === true || name === 'help') return said(USAGE);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw wrong(`there is no command '${name}'`);
    if (more.length > 0) throw wrong(`'${more.join(' ')}' means nothing here`);
    if (values.path === undefined) throw wrong(`${name} needs --path <sqlitePath>`);
    const { to, json = false } = values;
    return said(`${await command({ path: resolve(values.path), to, json })}\n`);
  } catch (error) {
    if (!(error instanceof HyperCacheError)) throw error;
    return { exitCode: 1, output: '', errors: `${error.code}: ${error.message}\n` };
  }
}

function parse(args: readonly string[]): {
  values: {
    path?: string | undefined;
    to?: string | undefined;
    json?: boolean | undefined;
    help?: boolean | undefined;
  };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        path: { type: 'string' },
        to: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    const text = typeof error === 'object' && error !== null && 'message' in error;
    throw wrong(text ? String(error.message) : 'the arguments cannot be read');
  }
}

function said(output: string): Outcome {
  return { exitCode: 0, output, errors: '' };
}

function wrong(what: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `The command line is wrong: ${what}.`,
    'See npx hypercache help.',
  );
}
