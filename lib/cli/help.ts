import type { CommandSpec, OptionOf } from './command.js';
import { formatTable } from './format.js';

/** The options of every command, shown after its own. @internal */
export const COMMON_OPTIONS: Readonly<Record<string, OptionOf>> = {
  json: { type: 'boolean', about: 'prints JSON: one object, or one for each line of a listing' },
  help: { type: 'boolean', about: 'prints this help' },
};

/** The option of commands that read the files of a node. @internal */
export const PATH_OPTION: Readonly<Record<string, OptionOf>> = {
  path: { type: 'string', value: 'dir', about: 'the sqlitePath of a node, running or stopped' },
};

/** The options of commands that can also ask a node. @internal */
export const URL_OPTIONS: Readonly<Record<string, OptionOf>> = {
  url: {
    type: 'string',
    value: 'url',
    about:
      'a node that runs, with an apiToken; the token comes from HYPERCACHE_API_TOKEN. Or redis://host:port: the server of an engine; its password comes from HYPERCACHE_REDIS_URL',
  },
  'api-path': {
    type: 'string',
    value: 'path',
    about: 'the path of its API, if its option path is not /api/hypercache',
  },
  'redis-prefix': {
    type: 'string',
    value: 'text',
    about: "the prefix of redis(), if it is not 'hc'",
  },
};

/** All options of a command. @internal */
export function optionsOf({ on, options = {} }: CommandSpec): Readonly<Record<string, OptionOf>> {
  return {
    ...options,
    ...(on === 'none' ? {} : PATH_OPTION),
    ...(on === 'both' ? URL_OPTIONS : {}),
    ...COMMON_OPTIONS,
  };
}

/** The text of `hypercache help`. @internal */
export function overview(commands: Readonly<Record<string, CommandSpec>>): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary]);
  return `Usage: hypercache <command> [arguments] --path <dir> | --url <url>

${formatTable(rows)}
  help <command>      says more; --version prints the version

Reads with --path work while the application runs. Writes with --path go to the file of a primary only.
With --url the node itself does the work; HYPERCACHE_API_TOKEN holds the token, which is never sent.
Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong.
docs/operations.md of the package says when to use which.
`;
}

/** The text of `hypercache help <command>`. @internal */
export function helpOf(name: string, command: CommandSpec): string {
  const options = Object.entries(optionsOf(command)).map(([option, { value, about }]) => [
    `  --${option}${value === undefined ? '' : ` <${value}>`}`,
    about,
  ]);
  const notes = command.notes ?? [];
  return [
    `Usage: hypercache ${[name, command.arguments].filter(Boolean).join(' ')} [options]`,
    '',
    `${name} ${command.summary}.`,
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
    formatTable(options),
    ...command.examples.map((example) => `  npx --no hypercache ${example}`),
    '',
  ].join('\n');
}
