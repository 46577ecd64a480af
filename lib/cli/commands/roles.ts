import { resolve } from 'node:path';
import { acceptNewHistory } from '../../admin/accept-new-history.js';
import { adopt } from '../../admin/adopt.js';
import { backUpFile } from '../../admin/back-up-file.js';
import { inspect, type Inspection } from '../../admin/inspect.js';
import { promote, type Promotion } from '../../admin/promote.js';
import { print, textOf, UsageError, type CommandSpec } from '../command.js';

/** The commands that change the role of a file, or show it. @internal */
export const ROLE_COMMANDS: Readonly<Record<string, CommandSpec>> = {
  promote: {
    summary: 'makes a stopped secondary the primary, with its data',
    on: 'path',
    examples: ['promote --path ./storage/hypercache'],
    run: (call) => {
      const promotion = promote(call.path());
      return print(call, promotion, promotionText(promotion));
    },
  },
  adopt: {
    summary: 'makes the file of a stopped primary, or a backup of it, a replica',
    on: 'path',
    examples: ['adopt --path ./storage/hypercache'],
    run: (call) => {
      const position = adopt(call.path());
      const { historyId, epoch, revision } = position;
      const text = `Adopted: a replica of history ${historyId}, epoch ${epoch}, revision ${revision}. Start it with role: 'secondary'.`;
      return print(call, position, text);
    },
  },
  'accept-new-history': {
    summary: 'lets a stopped secondary follow a primary with a new history',
    on: 'path',
    examples: ['accept-new-history --path ./storage/hypercache'],
    run: (call) => {
      acceptNewHistory(call.path());
      const text =
        'Accepted: the next primary that this secondary connects to is followed, whatever its history.';
      return print(call, { accepted: true }, text);
    },
  },
  backup: {
    summary: 'copies the file of a node, running or stopped, as of one point in time',
    on: 'path',
    options: { to: { type: 'string', value: 'file', about: 'a file that does not exist yet' } },
    examples: ['backup --to /backup/cache.sqlite --path ./storage/hypercache'],
    run: async (call) => {
      const path = call.path();
      const to = textOf(call, 'to');
      if (to === undefined) throw new UsageError('backup needs --to <file>', call.name);
      const { bytes, revision } = await backUpFile(path, resolve(to));
      const text = `Backed up to ${resolve(to)}: ${bytes} bytes, revision ${revision}.`;
      await print(call, { path: resolve(to), bytes, revision }, text);
    },
  },
  inspect: {
    summary: 'prints role, history, epoch, revision and ancestors of a file',
    on: 'path',
    examples: ['inspect --path ./storage/hypercache'],
    run: (call) => {
      const inspection = inspect(call.path());
      return print(call, inspection, inspectionText(inspection));
    },
  },
};

function promotionText({ position, former, formerUrl, isComplete, waiting }: Promotion): string {
  return [
    `Promoted: history ${position.historyId}, epoch ${position.epoch}, from revision ${position.revision} on.`,
    `It continues history ${former.historyId}, epoch ${former.epoch}, revision ${former.revision}.`,
    ...(isComplete ? [] : ['This node was catching up: the other replicas will take a snapshot.']),
    ...(waiting === 0
      ? []
      : [
          `${waiting} asynchronous writes wait in this node's outbox: it executes them at its start, except those that the former primary has executed.`,
        ]),
    "Start it with role: 'primary' and an apiToken, and point primaryUrl of the others at it.",
    formerUrl === undefined
      ? 'The address of the former primary is not known here: make sure that it does not come back.'
      : `It will make the former primary at ${formerUrl} refuse, as soon as that answers, if both have the same adminToken.`,
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
