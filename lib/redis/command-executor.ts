import { CapabilityAbsentError } from '../common/server-errors.js';
import type { Command } from '../engine/command.js';
import type { CommandResult } from '../engine/command-result.js';
import type { Buckets } from './buckets.js';
import type { BulkExecutor } from './bulk-executor.js';
import type { EntryExecutor } from './entry-executor.js';
import type { RedisKeys } from './redis-keys.js';
import type { Commands } from './redis-link.js';
import { beginRun, finishRun, lastRun } from './run-executor.js';
import type { Space } from './space.js';
import { resetThrottle, throttle } from './throttle-executor.js';

/** @internal */
export interface CommandExecutorParts {
  readonly commands: Commands;
  readonly keys: RedisKeys;
  readonly entries: EntryExecutor;
  readonly bulk: BulkExecutor;
  readonly buckets: (namespace: string) => Buckets;
}

/**
 * Leads each command to its executor, with the bucket that it concerns.
 *
 * @internal
 */
export class CommandExecutor {
  constructor(private readonly parts: CommandExecutorParts) {}

  /** Sends its first command before it returns. */
  execute(command: Command): Promise<CommandResult> {
    const { commands, keys } = this.parts;
    switch (command.kind) {
      case 'set':
        return this.parts.entries.set(this.#space(command), command);
      case 'add':
        return this.parts.entries.add(this.#space(command), command);
      case 'setIf':
        return this.parts.entries.setIf(this.#space(command), command);
      case 'fill':
        return this.parts.entries.fill(this.#space(command), command);
      case 'delete':
        return this.parts.entries.delete(this.#space(command), command);
      case 'pull':
        return this.parts.entries.pull(this.#space(command), command);
      case 'touch':
        return this.parts.entries.touch(this.#space(command), command);
      case 'expire':
        return this.parts.entries.expire(this.#space(command), command);
      case 'increment':
        return this.parts.entries.increment(this.#space(command), command);
      case 'clear':
        return this.parts.bulk.clear(this.parts.buckets(command.namespace));
      case 'deletePrefix':
      case 'expirePrefix':
      case 'deleteTag':
      case 'expireTag':
        this.parts.entries.overtake();
        return this.parts.bulk.remove(this.parts.buckets(command.namespace), command);
      case 'throttle':
        return throttle(commands, keys, command);
      case 'resetThrottle':
        return resetThrottle(commands, keys, command);
      case 'beginRun':
        return beginRun(commands, keys, command);
      case 'finishRun':
        return finishRun(commands, keys, command);
      case 'lastRun':
        return lastRun(commands, keys, command);
      default:
        return Promise.reject(
          new CapabilityAbsentError(
            `This engine does not execute ${command.kind}.`,
            'Please report this as a bug.',
          ),
        );
    }
  }

  #space({ namespace, key }: { readonly namespace: string; readonly key: string }): Space {
    return this.parts.buckets(namespace).of(key);
  }
}
