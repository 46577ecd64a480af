import type { Clock } from '../../common/clock.js';
import { ClosedError } from '../../common/errors.js';
import type { CommandQueue, QueuedWrite } from '../../engine/command-queue.js';
import type { Command, CommandOf } from '../../engine/command.js';
import type { CommandResult, ResultOf } from '../../engine/command-result.js';
import { decideThrottle } from '../../engine/throttle.js';

/** Accepts every write and keeps nothing: each command finds an empty cache. @internal */
export class StubQueue implements CommandQueue {
  /** Nothing waits. */
  readonly length = 0;
  #revision = 0;
  #isClosed = false;

  constructor(private readonly clock: Clock) {}

  assertRoom(): void {
    if (this.#isClosed) throw new ClosedError();
  }

  push(write: QueuedWrite<Command, CommandResult>): void {
    this.assertRoom();
    const result = this.#resultOf(write.command);
    // A queue never answers during the call: its caller notes the write after it.
    queueMicrotask(() => write.committed(result));
  }

  pushRelaxed(write: QueuedWrite<Command, CommandResult>): boolean {
    this.push(write);
    return false;
  }

  keepsUp(): boolean {
    return false;
  }

  rest(): undefined {
    return undefined;
  }

  async drain(): Promise<void> {
    // Pushed writes are committed in the next microtask.
  }

  close(): void {
    this.#isClosed = true;
  }

  #resultOf(command: Command): CommandResult {
    const revision = ++this.#revision;
    switch (command.kind) {
      case 'set':
      case 'fill':
      case 'add':
        return { stored: true, revision };
      case 'setIf':
        return { stored: command.revision === 0, revision: command.revision === 0 ? revision : 0 };
      case 'delete':
        return { deleted: false, revision };
      case 'pull':
        return { value: undefined, revision };
      case 'touch':
        return { touched: false, revision };
      case 'expire':
        return { expired: false, revision };
      case 'increment':
        return incremented(command, revision);
      case 'deletePrefix':
      case 'expirePrefix':
      case 'deleteTag':
      case 'expireTag':
        return { keys: [], deleted: 0, revision, next: undefined };
      case 'clear':
        return { deleted: 0, revision };
      case 'throttle':
        return decideThrottle(undefined, command.limits, this.clock.now()).decision;
      case 'resetThrottle':
        return { reset: false };
      case 'beginRun':
        return { decision: 'begun' };
      case 'finishRun':
        return { finished: true };
      case 'lastRun':
        return { last: null };
      default:
        // Lease requests go to StubLeases.
        return { done: false, grant: undefined, handOvers: [], nextExpiry: undefined };
    }
  }
}

function incremented(command: CommandOf<'increment'>, revision: number): ResultOf['increment'] {
  const { by, initial, expiresAt } = command;
  return { value: initial + by, expiresAt, freshUntil: expiresAt, revision };
}
