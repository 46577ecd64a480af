import { resolve } from 'node:path';
import { API_PATH } from '../../admin/api-access.js';
import { examine } from '../../admin/doctor/examine.js';
import { FILE_OPTIONS } from '../../node/option-table.js';
import { textOf, type CommandSpec } from '../command.js';
import { formatLines } from '../format.js';

const DIRECTORY = String(FILE_OPTIONS.sqlitePath.byDefault);

const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ', skipped: 'skipped ' };

/** @internal */
export const DOCTOR_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  doctor: {
    summary: 'finds what keeps a node from working, and says how to fix it',
    on: 'none',
    options: {
      path: {
        type: 'string',
        value: 'dir',
        about: `the sqlitePath of the node (HYPERCACHE_SQLITE_PATH, or ${DIRECTORY})`,
      },
      app: {
        type: 'string',
        value: 'dir',
        about: "the directory of the application's package.json (.)",
      },
      url: {
        type: 'string',
        value: 'url',
        about:
          'the primary (HYPERCACHE_PRIMARY_URL), or the server of an engine, redis://host:port (HYPERCACHE_REDIS_URL)',
      },
      'api-path': { type: 'string', value: 'path', about: `the path of its API (${API_PATH})` },
      full: { type: 'boolean', about: 'checks each page of the file, however large it is' },
    },
    notes: [
      'Run it where the application runs, with its environment: it does not know options that are given in code.',
      'The exit code is 1 when there is a problem, and 0 with warnings alone.',
    ],
    examples: ['doctor', 'doctor --path /var/lib/shop/cache --url http://10.0.0.1:3000'],
    run: async (call) => {
      const { environment } = call.terminal;
      const findings = await examine({
        application: resolve(textOf(call, 'app') ?? '.'),
        directory: resolve(
          textOf(call, 'path') ?? environment['HYPERCACHE_SQLITE_PATH'] ?? DIRECTORY,
        ),
        environment,
        url: textOf(call, 'url'),
        apiPath: textOf(call, 'api-path') ?? environment['HYPERCACHE_PATH'] ?? API_PATH,
        ...(call.given['full'] === true ? { maxCheckedBytes: Infinity } : {}),
      });
      const problems = findings.filter(({ level }) => level === 'problem').length;
      if (call.isJson) {
        await call.terminal.out(formatLines(findings));
      } else {
        for (const { check, level, said, fix } of findings) {
          const line = `${MARKS[level]}${check}: ${said}\n`;
          await call.terminal.out(fix === undefined ? line : `${line}        ${fix}\n`);
        }
        await call.terminal.out(
          problems === 0 ? '\nNo problem was found.\n' : `\nProblems: ${problems}.\n`,
        );
      }
      return problems > 0 ? 1 : 0;
    },
  },
};
