import type { Clock } from '../common/clock.js';
import { OutcomeUnknownError, ServerUnreachableError } from '../common/server-errors.js';
import type { CommandOf, RemovalStep } from '../engine/command.js';
import type { Removal, ResultOf } from '../engine/command-result.js';
import { globEscaped } from './glob.js';
import { numberAt, type NumberFloor } from './numbers.js';
import { unexpectedReply } from './redis-error.js';
import { scanned } from './redis-l2.js';
import type { Commands } from './redis-link.js';
import type { Script } from './script.js';
import { BUMP, FENCE } from './scripts/bump.js';
import { REMOVE_MANY } from './scripts/remove-many.js';
import type { Space } from './space.js';

/** Entries that one step handles. The server does nothing else during a step. */
const STEP = 500;

/** @internal */
export interface BulkExecutorParts {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly floor: NumberFloor;
}

type BulkCommand = CommandOf<'deletePrefix' | 'expirePrefix' | 'deleteTag' | 'expireTag'>;

/**
 * Executes the commands on many entries. It first stores a number, which marks the entries as removed or the fills as overdue.
 * It then processes the entries themselves, step by step.
 *
 * @internal
 */
export class BulkExecutor {
  constructor(private readonly parts: BulkExecutorParts) {}

  /** Does not count the removed entries: the server removes them when their time to live ends. */
  async clear(space: Space): Promise<ResultOf['clear']> {
    space.clears++;
    const [revision] = await this.#bump(space, space.keys.generation);
    space.drop();
    return { deleted: 0, revision };
  }

  async remove(space: Space, command: BulkCommand): Promise<Removal> {
    const step = command.step ?? (await this.#begin(space, command));
    try {
      return await this.#removeStep(space, command, step);
    } catch (error) {
      if (!(error instanceof ServerUnreachableError)) throw error;
      // The command has begun: some entries are already removed.
      throw new OutcomeUnknownError('the connection was lost on the way', { cause: error });
    }
  }

  async #removeStep(space: Space, command: BulkCommand, step: RemovalStep): Promise<Removal> {
    const { keys, next } =
      'tag' in command
        ? await this.#tagged(space, command.tag, step)
        : await this.#prefixed(space, command.prefix, step);
    const deletes = command.kind.startsWith('delete');
    const tag = 'tag' in command ? command.tag : '';
    const [cursor, version = ''] = step.from.split(' ');
    const results = await this.#removeMany(space, keys, [
      deletes ? 'delete' : 'expire',
      String(step.before),
      tag,
      version,
    ]);
    const changed = keys.filter((_key, i) => Number(results[i]) > 0);
    for (const key of changed) space.dropKey(key);
    const from = 'tag' in command ? this.#tagCursor(cursor, keys, changed, deletes) : next;
    if (tag !== '' && deletes && changed.length > 0) {
      const names = changed.map((key) => space.keys.entry(key));
      await this.parts.commands.call(['ZREM', space.keys.tagged(tag), ...names]);
    }
    const isOver = from === undefined || (tag !== '' && keys.length < STEP);
    return {
      keys: changed,
      deleted: results.filter((result) => result === 2).length,
      revision: step.before,
      next: isOver ? undefined : { before: step.before, from: `${from} ${version}` },
    };
  }

  /** Where the listing of a tag continues. A step removes some entries from the list and leaves the others in it. */
  #tagCursor(
    cursor: string | undefined,
    keys: readonly string[],
    changed: readonly string[],
    leaves: boolean,
  ): string {
    return String(Number(cursor) + keys.length - (leaves ? changed.length : 0));
  }

  async #begin(space: Space, command: BulkCommand): Promise<RemovalStep> {
    if (command.kind === 'deleteTag') {
      const [before, version] = await this.#bump(space, space.keys.tag(command.tag));
      space.dropTag(command.tag);
      return { before, from: `0 ${version}` };
    }
    const member = 'tag' in command ? `t${command.tag}` : `p${command.prefix}`;
    const [before] = await this.#number(FENCE, [space.keys.fence, space.keys.counter], [member]);
    return { before, from: '0 ' };
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

  async #tagged(space: Space, tag: string, { from }: RemovalStep) {
    const at = Number(from.split(' ')[0]);
    const names = await this.parts.commands.call([
      'ZRANGE',
      space.keys.tagged(tag),
      String(at),
      String(at + STEP - 1),
    ]);
    return {
      keys: this.#keysOf(space, Array.isArray(names) ? names.map(String) : []),
      next: undefined,
    };
  }

  async #prefixed(space: Space, prefix: string, { from }: RemovalStep) {
    const reply = await this.parts.commands.call([
      'SCAN',
      from.split(' ')[0] ?? '0',
      'MATCH',
      `${globEscaped(space.keys.entryPrefix + prefix)}*`,
      'COUNT',
      String(STEP),
    ]);
    const { keys, next } = scanned(reply);
    return { keys: this.#keysOf(space, keys), next };
  }

  #keysOf(space: Space, names: readonly string[]): string[] {
    return names.map((name) => name.slice(space.keys.entryPrefix.length));
  }

  async #removeMany(
    space: Space,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<readonly unknown[]> {
    if (keys.length === 0) return [];
    const { commands, floor } = this.parts;
    const names = keys.map((key) => space.keys.entry(key));
    const reply = await commands.run(
      REMOVE_MANY,
      [space.keys.counter, space.keys.generation, ...names],
      [String(floor.value), space.keys.prefix, ...args],
    );
    if (Array.isArray(reply)) return reply;
    throw unexpectedReply(REMOVE_MANY.name);
  }
}
