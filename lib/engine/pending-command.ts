import type { HyperCacheError } from '../common/errors.js';
import type { CommandQueue, QueuedWrite, WriteLabel } from './command-queue.js';
import type { Command, CommandOf } from './command.js';
import type { CommandResult, ResultOf } from './command-result.js';

type Settle<R> = (result: R) => void;
type Fail = (error: HyperCacheError) => void;

/** Approximate size of a command without its value. @internal */
export const COMMAND_BYTES = 100;

/** Approximate size of a tag without its text. */
const TAG_BYTES = 20;

/** A command that waits for its commit. @internal */
export class PendingCommand<R extends CommandResult> implements QueuedWrite<
  Command,
  CommandResult
> {
  /** Approximate, for the queue's bounds. */
  readonly bytes: number;

  constructor(
    readonly command: Command,
    valueBytes: number,
    private readonly settled: Settle<R>,
    private readonly reject: Fail,
    readonly accepted?: (() => void) | undefined,
    readonly answered?: Settle<CommandResult> | undefined,
  ) {
    this.bytes = valueBytes + COMMAND_BYTES + ('tags' in command ? tagBytes(command.tags) : 0);
  }

  get label(): WriteLabel {
    const { command } = this;
    return {
      kind: command.kind,
      namespace: 'namespace' in command ? command.namespace : undefined,
    };
  }

  committed(result: CommandResult): void {
    // The executor answers each kind of command with the result of its kind (ResultOf).
    this.settled(result as R);
  }

  failed(error: HyperCacheError): void {
    this.reject(error);
  }
}

/** Resolves to the result of a command without a value. @internal */
export function execute<K extends keyof ResultOf>(
  queue: Pick<CommandQueue, 'push'>,
  command: CommandOf<K>,
): Promise<ResultOf[K]> {
  return new Promise((resolve, reject) => {
    const settle: (result: ResultOf[K]) => void = resolve;
    queue.push(new PendingCommand<ResultOf[K]>(command, 0, settle, reject));
  });
}

/** Approximate size of the tags of a write, for the queue's bounds. @internal */
export function tagBytes(tags: readonly string[]): number {
  let bytes = 0;
  for (const tag of tags) bytes += tag.length + TAG_BYTES;
  return bytes;
}
