import { resolve } from 'node:path';
import { install } from '../../admin/install/install.js';
import { textOf, UsageError, type CommandSpec } from '../command.js';

/** @internal */
export const INSTALL_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  install: {
    summary: 'adds the cache to a Nest application, as "nest add nestjs-hypercache" does',
    on: 'none',
    options: {
      app: {
        type: 'string',
        value: 'dir',
        about: "the directory of the application's package.json (.)",
      },
      module: {
        type: 'string',
        value: 'file',
        about: 'the root module; by default found from main.ts',
      },
      role: { type: 'string', value: 'role', about: 'primary (without it) or secondary' },
      'skip-install': { type: 'boolean', about: 'does not install packages' },
      'dry-run': { type: 'boolean', about: 'says what it would change, and changes nothing' },
    },
    notes: [
      'Adds the peers that package.json lacks, lets better-sqlite3 run its install script, imports HyperCacheModule into the root module (in place of CacheModule.register() with literal options), calls enableShutdownHooks() in main.ts, ignores storage/ in git, and begins .env.example. A second run changes nothing.',
    ],
    examples: ['install --dry-run', 'install --role secondary'],
    run: async (call) => {
      const role = textOf(call, 'role') ?? 'primary';
      if (role !== 'primary' && role !== 'secondary') {
        throw new UsageError('--role is primary or secondary', call.name);
      }
      const isDry = call.given['dry-run'] === true;
      const { changes, notes, manager, mustInstall } = install(
        resolve(textOf(call, 'app') ?? '.'),
        { sourceRoot: undefined, module: textOf(call, 'module'), role },
        { isDry, installs: call.given['skip-install'] !== true },
      );
      if (call.isJson) {
        const files = changes.map(({ path, isNew }) => ({ path, isNew }));
        return call.terminal.out(`${JSON.stringify({ changes: files, notes, mustInstall })}\n`);
      }
      const lines = changes.map(({ path, isNew }) => `${isNew ? 'CREATE' : 'UPDATE'} ${path}`);
      if (changes.length === 0) lines.push('Nothing has to be changed.');
      if (isDry && changes.length > 0) lines.push('Nothing was written (--dry-run).');
      else if (mustInstall) lines.push(`Packages were added: run "${manager} install".`);
      await call.terminal.out([...lines, ...notes].map((line) => `${line}\n`).join(''));
    },
  },
};
