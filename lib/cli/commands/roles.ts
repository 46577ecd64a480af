import { resolve } from 'node:path';
import { acceptNewHistory } from '../../admin/accept-new-history.js';
import { adopt } from '../../admin/adopt.js';
import { backUpFile } from '../../admin/back-up-file.js';
import { inspect, type Inspection } from '../../admin/inspect.js';
import { promote, type Promotion } from '../../admin/promote.js';
import { textOf, UsageError, type Call, type CommandSpec } from '../command.js';

/** What makes a file that of another role, and what tells of it. @internal */
export const ROLE_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  promote: {
    summary: 'makes a stopped secondary the primary, with its data',
    on: 'path',
    examples: ['promote --path ./storage/hypercache'],
    run: (call) => told(call, promote(call.path()), promotionText),
  },
  adopt: {
    summary: 'makes the file of a stopped primary, or a backup of it, a replica',
    on: 'path',
    examples: ['adopt --path ./storage/hypercache'],
    run: (call) =>
      told(
        call,
        adopt(call.path()),
        ({ historyId, epoch, revision }) =>
          `Adopted: a replica of history ${historyId}, epoch ${epoch}, revision ${revision}. Start it with role: 'secondary'.`,
      ),
  },
  'accept-new-history': {
    summary: 'lets a stopped secondary follow a primary that has begun anew',
    on: 'path',
    examples: ['accept-new-history --path ./storage/hypercache'],
    run: (call) => {
      acceptNewHistory(call.path());
      return told(
        call,
        { accepted: true },
        () =>
          'Accepted: the next primary that this secondary connects to is followed, whatever its history.',
      );
    },
  },
  backup: {
    summary: 'copies the file of a node, running or stopped, as of one point in time',
    on: 'path',
    options: { to: { type: 'string', value: 'file', about: 'a file that is not there yet' } },
    examples: ['backup --to /backup/cache.sqlite --path ./storage/hypercache'],
    run: async (call) => {
      const path = call.path();
      const to = textOf(call, 'to');
      if (to === undefined) throw new UsageError('backup needs --to <file>', call.name);
      const { bytes, revision } = await backUpFile(path, resolve(to));
      await told(
        call,
        { path: resolve(to), bytes, revision },
        () => `Backed up to ${resolve(to)}: ${bytes} bytes, revision ${revision}.`,
      );
    },
  },
  inspect: {
    summary: 'prints role, history, epoch, revision and ancestors of a file',
    on: 'path',
    examples: ['inspect --path ./storage/hypercache'],
    run: (call) => told(call, inspect(call.path()), inspectionText),
  },
};

function told<T extends object>(
  call: Call,
  result: T,
  textFor: (result: T) => string,
): Promise<void> {
  const text = call.isJson ? JSON.stringify(result, null, 2) : textFor(result);
  return call.terminal.out(`${text}\n`);
}

function promotionText({ position, former, formerUrl, isComplete, waiting }: Promotion): string {
  return [
    `Promoted: history ${position.historyId}, epoch ${position.epoch}, from revision ${position.revision} on.`,
    `It goes on from history ${former.historyId}, epoch ${former.epoch}, revision ${former.revision}.`,
    ...(isComplete ? [] : ['This node was catching up: the other replicas will take a snapshot.']),
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
}

function inspectionText(inspection: Inspection): string {
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
}
