import { print, textOf, type CommandSpec } from '../command.js';
import { isConfirmed } from '../confirm.js';
import { formatLines, formatMs, formatTable, printable } from '../format.js';
import { YES } from '../shared-options.js';

/** @internal */
export const LOCK_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  locks: {
    summary: 'lists locks and slots of semaphores that are held, or takes one from its holder',
    on: 'both',
    options: {
      release: {
        type: 'string',
        value: 'name',
        about: 'takes the lock of this name from its holder',
      },
      ...YES,
    },
    notes: [
      'Locks belong to the primary: --path takes only the directory of a primary.',
      "--release asks on a terminal; elsewhere it needs --yes. The holder's signal aborts at its next renewal.",
    ],
    examples: [
      'locks --path ./storage/hypercache',
      'locks --release nightly --yes --url http://127.0.0.1:3000',
    ],
    run: async (call) => {
      const target = await call.target();
      const name = textOf(call, 'release');
      if (name !== undefined) {
        const question = `This takes the lock '${printable(name)}' from its holder, whose work may continue while the next holder works.`;
        if (!(await isConfirmed(call, question))) return 1;
        const released = await target.releaseLock(name);
        return print(call, { released }, released ? 'Released.' : 'It was not held.');
      }
      const locks = await target.locks();
      if (call.isJson) return call.terminal.out(formatLines(locks));
      const rows = locks.map((lock) => [
        lock.kind,
        printable(lock.name),
        printable(lock.owner),
        String(lock.token),
        formatMs(lock.remaining),
      ]);
      const header = ['kind', 'name', 'owner', 'token', 'left'];
      await call.terminal.out(
        rows.length === 0 ? 'None is held.\n' : formatTable([header, ...rows]),
      );
    },
  },
};
