import type { Clock } from '../common/clock.js';
import {
  OutcomeUnknownError,
  PartialError,
  ServerUnreachableError,
} from '../common/server-errors.js';
import type { CommandOf, RemovalStep } from '../engine/command.js';
import type { Removal, ResultOf } from '../engine/command-result.js';
import type { Buckets, Place } from './buckets.js';
import { allOf, fanOut, sendAll } from './fan-out.js';
import { numberAt, type NumberFloor } from './numbers.js';
import { unexpectedReply } from './redis-error.js';
import { scanned } from './redis-l2.js';
import type { Commands, Reply } from './redis-link.js';
import type { Script } from './script.js';
import { BEGIN, BUMP, FENCE } from './scripts/bump.js';
import { REMOVE_MANY } from './scripts/remove-many.js';
import type { Space } from './space.js';

/** Entries that one step handles. The server does nothing else during a step. */
const STEP = 500;

/** @internal */
export interface BulkExecutorParts {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly floor: NumberFloor;
  /** In a cluster: see `ClusterLink.moves`. */
  readonly moves: (() => number) | undefined;
}

type BulkCommand = CommandOf<'deletePrefix' | 'expirePrefix' | 'deleteTag' | 'expireTag'>;

/** Where the walk through the entries of a tag continues in one bucket. */
interface Walk {
  readonly bucket: number;
  /** The number of the change. */
  readonly before: number;
  /** The version that the tag had before; '' if it keeps its version. */
  readonly version: string;
  /** The place in the list. */
  readonly at: number;
}

/** What was done to some entries. */
interface Changed {
  readonly keys: readonly string[];
  readonly deleted: number;
}

/**
 * Executes the commands on many entries. It first stores a number in each bucket, which marks the entries as removed or the fills
 * as overdue. It then processes the entries themselves, step by step.
 *
 * @internal
 */
export class BulkExecutor {
  constructor(private readonly parts: BulkExecutorParts) {}

  /** Does not count the removed entries: the server removes them when their time to live ends. */
  async clear({ all }: Buckets): Promise<ResultOf['clear']> {
    for (const space of all) space.clears++;
    const outcomes = await sendAll(all, async (space) => {
      const [revision] = await this.#bump(space, space.keys.generation);
      space.drop();
      return revision;
    });
    return { deleted: 0, revision: Math.max(...allOf(outcomes)) };
  }

  async remove(buckets: Buckets, command: BulkCommand): Promise<Removal> {
    const step = command.step ?? (await this.#begin(buckets, command));
    try {
      return await ('tag' in command
        ? this.#removeTagged(buckets, command, step)
        : this.#removePrefixed(buckets, command, step));
    } catch (error) {
      // The command has begun: some entries are already removed.
      if (buckets.all.length > 1 && !(error instanceof PartialError)) {
        throw new PartialError(0, buckets.all.length, { cause: error });
      }
      if (!(error instanceof ServerUnreachableError)) throw error;
      throw new OutcomeUnknownError('the connection was lost on the way', { cause: error });
    }
  }

  /** Sends its first commands before it returns. */
  async #begin({ all }: Buckets, command: BulkCommand): Promise<RemovalStep> {
    const outcomes = await sendAll(all, async (space): Promise<Walk> => {
      const [before, version] = await this.#beginIn(space, command);
      return { bucket: all.indexOf(space), before, version, at: 0 };
    });
    const walks = allOf(outcomes);
    return {
      before: Math.max(...walks.map(({ before }) => before)),
      from: 'tag' in command ? JSON.stringify(walks) : this.#firstStep(),
    };
  }

  async #beginIn(space: Space, command: BulkCommand): Promise<[number: number, before: string]> {
    if (command.kind === 'deleteTag') {
      const begun = await this.#bump(space, space.keys.tag(command.tag));
      space.dropTag(command.tag);
      return begun;
    }
    const member = 'tag' in command ? `t${command.tag}` : `p${command.prefix}`;
    return this.#number(FENCE, [space.keys.fence, space.keys.counter], [member]);
  }

  #bump(space: Space, key: string): Promise<[number: number, before: string]> {
    return this.#number(BUMP, [key, space.keys.counter], []);
  }

  /** Makes a number above all earlier revisions of all nodes. */
  async #number(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<[number: number, before: string]> {
    const { commands, clock, floor } = this.parts;
    floor.see(numberAt(clock.now()));
    const reply = await commands.run(script, keys, [String(floor.value), ...args]);
    const [number, before] = Array.isArray(reply) ? reply : [];
    return [floor.see(Number(String(number))), before?.toString() ?? ''];
  }

  /** One step in each bucket whose list is not over. */
  async #removeTagged(
    { all }: Buckets,
    command: CommandOf<'deleteTag' | 'expireTag'>,
    step: RemovalStep,
  ): Promise<Removal> {
    // This class has written it.
    const walks = JSON.parse(step.from) as readonly Walk[];
    const { results, failed, failure } = await fanOut(walks, async (walk) => {
      const space = all[walk.bucket];
      return space && this.#walk(space, command, walk);
    });
    const left = results.flatMap((result) => result?.next ?? []);
    if (failure !== undefined) {
      if (all.length === 1) throw failure;
      const unfinished = failed + left.length;
      throw new PartialError(all.length - unfinished, unfinished, { cause: failure });
    }
    return {
      keys: results.flatMap((result) => result?.keys ?? []),
      deleted: results.reduce((sum, result) => sum + (result?.deleted ?? 0), 0),
      revision: step.before,
      next: left.length === 0 ? undefined : { before: step.before, from: JSON.stringify(left) },
    };
  }

  async #walk(
    space: Space,
    command: CommandOf<'deleteTag' | 'expireTag'>,
    walk: Walk,
  ): Promise<Changed & { readonly next: Walk | undefined }> {
    const { tag } = command;
    const { at } = walk;
    const list = space.keys.tagged(tag);
    const reply = await this.parts.commands.call([
      'ZRANGE',
      list,
      String(at),
      String(at + STEP - 1),
    ]);
    const names = Array.isArray(reply) ? reply.map(String) : [];
    const keys = names.map((name) => name.slice(space.keys.entryPrefix.length));
    const deletes = command.kind === 'deleteTag';
    const changed = await this.#removeMany(space, keys, deletes, walk, tag);
    if (deletes && changed.keys.length > 0) {
      const gone = changed.keys.map((key) => space.keys.entry(key));
      await this.parts.commands.call(['ZREM', list, ...gone]);
    }
    // The step has taken some entries from the list, and left the others in it.
    const next = { ...walk, at: at + keys.length - (deletes ? changed.keys.length : 0) };
    return { ...changed, next: keys.length < STEP ? undefined : next };
  }

  /** One step through the keys of the server, which are in no order. */
  async #removePrefixed(
    buckets: Buckets,
    { kind, prefix }: CommandOf<'deletePrefix' | 'expirePrefix'>,
    { before, from }: RemovalStep,
  ): Promise<Removal> {
    const [moves = '', cursor = ''] = from.split(' ');
    const { keys: names, next } = scanned(
      await this.parts.commands.call([
        'SCAN',
        cursor,
        'MATCH',
        buckets.pattern(prefix),
        'COUNT',
        String(STEP),
      ]),
    );
    const found = bySpace(names.flatMap((name) => buckets.placeOf(name, prefix) ?? []));
    const { results, failure } = await fanOut(Array.from(found), ([space, keys]) =>
      this.#removeMany(space, keys, kind === 'deletePrefix', { before, version: '' }, ''),
    );
    if (failure !== undefined) throw failure;
    return {
      keys: results.flatMap(({ keys }) => keys),
      deleted: results.reduce((sum, { deleted }) => sum + deleted, 0),
      revision: before,
      next: await this.#nextStep(buckets, before, moves, next),
    };
  }

  #firstStep(): string {
    return `${this.parts.moves?.() ?? ''} 0`;
  }

  /** A key that moves to another server during the walk may be missed, so the walk then begins again. */
  async #nextStep(
    { all }: Buckets,
    before: number,
    moves: string,
    cursor: string | undefined,
  ): Promise<RemovalStep | undefined> {
    if (cursor !== undefined) return { before, from: `${moves} ${cursor}` };
    const { moves: movesNow, commands, floor } = this.parts;
    if (movesNow === undefined) return undefined;
    // A bucket that is being moved runs no script before it has arrived.
    const arrive = ({ keys }: Space): Promise<Reply> =>
      commands.run(BEGIN, [keys.generation, keys.counter], [String(floor.value)]);
    allOf(await fanOut(all, arrive));
    return String(movesNow()) === moves ? undefined : { before, from: this.#firstStep() };
  }

  async #removeMany(
    space: Space,
    keys: readonly string[],
    deletes: boolean,
    { before, version }: Pick<Walk, 'before' | 'version'>,
    tag: string,
  ): Promise<Changed> {
    if (keys.length === 0) return { keys: [], deleted: 0 };
    const { commands, floor } = this.parts;
    const names = keys.map((key) => space.keys.entry(key));
    const how = [deletes ? 'delete' : 'expire', String(before), tag, version];
    const results = await commands.run(
      REMOVE_MANY,
      [space.keys.counter, space.keys.generation, ...names],
      [String(floor.value), space.keys.prefix, ...how],
    );
    if (!Array.isArray(results)) throw unexpectedReply(REMOVE_MANY.name);
    const changed = keys.filter((_key, i) => Number(results[i]) > 0);
    for (const key of changed) space.dropKey(key);
    return { keys: changed, deleted: results.filter((result) => result === 2).length };
  }
}

function bySpace(places: readonly Place[]): Map<Space, string[]> {
  const found = new Map<Space, string[]>();
  for (const { space, key } of places) {
    const keys = found.get(space) ?? [];
    keys.push(key);
    found.set(space, keys);
  }
  return found;
}
