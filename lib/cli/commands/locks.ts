import { textOf, type CommandSpec } from '../command.js';
import { isConfirmed } from '../confirm.js';
import { formatMs, formatTable, printable } from '../format.js';

/** @internal */
export const LOCK_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  locks: {
    summary: 'lists locks and slots of semaphores that are held, or takes one from its holder',
    on: 'both',
    options: {
      release: {
        type: 'string',
        value: 'name',
        about: 'ends the lock of this name, whoever holds it',
      },
      yes: { type: 'boolean', about: 'do not ask' },
    },
    notes: [
      "Locks are the primary's: --path takes only the directory of a primary.",
      '--release asks on a terminal; elsewhere it needs --yes. The holder is told by its AbortSignal when it next renews.',
    ],
    examples: [
      'locks --path ./storage/hypercache',
      'locks --release nightly --yes --url http://127.0.0.1:3000',
    ],
    run: async (call) => {
      const target = await call.target();
      const name = textOf(call, 'release');
      if (name !== undefined) {
        const question = `This takes the lock '${printable(name)}' from its holder, whose work may go on beside the next one's.`;
        if (!(await isConfirmed(call, question))) return 1;
        const released = await target.releaseLock(name);
        const said = released ? 'Released.' : 'Nobody held it.';
        await call.terminal.out(call.isJson ? `${JSON.stringify({ released })}\n` : `${said}\n`);
        return;
      }
      const locks = await target.locks();
      if (call.isJson) {
        return call.terminal.out(locks.map((lock) => `${JSON.stringify(lock)}\n`).join(''));
      }
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
