import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openTarget } from '../admin/open-target.js';
import type { Target } from '../admin/target.js';
import { HyperCacheError } from '../common/errors.js';
import { holdProcess } from '../common/hold-process.js';
import { VERSION } from '../common/version.js';
import { textOf, UsageError, type Call, type CommandSpec, type Given } from './command.js';
import { BENCH_COMMANDS } from './commands/bench.js';
import { DOCTOR_COMMANDS } from './commands/doctor.js';
import { ENTRY_COMMANDS } from './commands/entries.js';
import { INSTALL_COMMANDS } from './commands/install.js';
import { LISTING_COMMANDS } from './commands/listings.js';
import { LOCK_COMMANDS } from './commands/locks.js';
import { ROLE_COMMANDS } from './commands/roles.js';
import { TRANSFER_COMMANDS } from './commands/transfers.js';
import { WATCHING_COMMANDS } from './commands/watching.js';
import { helpOf, optionsOf, overview } from './help.js';
import type { Terminal } from './terminal.js';

/** All commands, in the order of the help. @internal */
export const COMMANDS: Readonly<Record<string, CommandSpec>> = {
  ...WATCHING_COMMANDS,
  ...LISTING_COMMANDS,
  ...ENTRY_COMMANDS,
  ...LOCK_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...BENCH_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...INSTALL_COMMANDS,
  ...ROLE_COMMANDS,
};

/** The codes of errors in an argument, wherever they were found. */
const USAGE_CODES = ['HC_ARGUMENT_INVALID', 'HC_KEY_INVALID', 'HC_TTL_INVALID'];

/**
 * Runs a command line.
 *
 * @param args without those of Node
 * @returns 0 when it was done, 1 when it could not be done or was interrupted, 2 when the command line is wrong
 * @internal
 */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await holdProcess(run(args, terminal));
  } catch (error) {
    if (terminal.signal.aborted) return 1;
    if (!(error instanceof HyperCacheError)) throw error;
    const { code, message } = error;
    const isJson = args.includes('--json');
    terminal.err(isJson ? `${JSON.stringify({ code, message })}\n` : `${code}: ${message}\n`);
    return USAGE_CODES.includes(code) ? 2 : 1;
  }
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = 'help', ...others] = args;
  if (name === '--version' || name === '-v') return said(terminal, `${VERSION}\n`);
  if (name === 'help' || name === '--help' || name === '-h') {
    const [asked] = others;
    if (asked === undefined) return said(terminal, overview(COMMANDS));
    return said(terminal, helpOf(asked, commandOf(asked)));
  }
  const command = commandOf(name);
  const { given, rest } = parse(name, command, others);
  if (given['help'] === true) return said(terminal, helpOf(name, command));
  const [least, most] = command.count ?? [0, 0];
  if (rest.length < least) throw new UsageError(`${name} needs ${command.arguments}`, name);
  if (rest.length > most) throw new UsageError(`'${rest[most]}' means nothing here`, name);
  return perform(name, command, { given, rest }, terminal);
}

async function perform(
  name: string,
  command: CommandSpec,
  { given, rest }: { given: Given; rest: readonly string[] },
  terminal: Terminal,
): Promise<number> {
  let opened: Target | undefined;
  const where = { path: textOf({ given }, 'path'), url: textOf({ given }, 'url') };
  if (command.on === 'both' && (where.path === undefined) === (where.url === undefined)) {
    throw new UsageError(`${name} needs --path <dir> or --url <url>, one of them`, name);
  }
  const path = (): string => {
    if (where.path === undefined || where.path === '') {
      throw new UsageError(`${name} needs --path <dir>`, name);
    }
    return resolve(where.path);
  };
  const call: Call = {
    name,
    rest,
    given,
    isJson: given['json'] === true,
    terminal,
    path,
    target: async () => {
      const { url } = where;
      opened ??= await openTarget(
        url === undefined
          ? { directory: path() }
          : {
              url,
              path: textOf({ given }, 'api-path'),
              prefix: textOf({ given }, 'redis-prefix'),
              environment: terminal.environment,
            },
      );
      return opened;
    },
  };
  try {
    return (await command.run(call)) ?? 0;
  } finally {
    await opened?.close();
  }
}

function commandOf(name: string): CommandSpec {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`there is no command '${name}'`);
  return command;
}

function parse(
  name: string,
  command: CommandSpec,
  args: readonly string[],
): { given: Given; rest: readonly string[] } {
  if (args.some((arg) => /^--(api-?)?token(=|$)/i.test(arg))) {
    throw new UsageError(
      'a token must not be an argument, which other users of the machine can read: set HYPERCACHE_API_TOKEN',
      name,
    );
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(optionsOf(command)).map(([option, { type, multiple = false }]) => [
          option,
          { type, multiple, ...(option === 'help' ? { short: 'h' } : {}) },
        ]),
      ),
    });
    return { given: values as Given, rest: positionals };
  } catch (error) {
    const hasText = typeof error === 'object' && error !== null && 'message' in error;
    const text = hasText ? String(error.message) : 'the arguments cannot be read';
    throw new UsageError(text.replace(/\.$/, ''), name);
  }
}

async function said(terminal: Terminal, text: string): Promise<number> {
  await terminal.out(text);
  return 0;
}
