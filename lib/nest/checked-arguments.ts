import { milliseconds } from '../common/duration.js';
import { MAX_TIMER_MS } from '../common/limits.js';
import { InvalidArgumentError } from '../common/errors.js';

/** Undefined leaves the default to the node. @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedTimeout(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  const timeout = milliseconds(given);
  if (typeof timeout === 'number' && timeout >= 0 && timeout <= MAX_TIMER_MS) return timeout;
  throw new InvalidArgumentError(
    'The timeout is not acceptable.',
    `Give milliseconds from 0 up to ${MAX_TIMER_MS} or a duration such as '5s', or leave it out.`,
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedCount(count: unknown): number {
  if (Number.isSafeInteger(count) && Number(count) > 0) return Number(count);
  throw new InvalidArgumentError(
    'The number of dead letters is not acceptable.',
    'Give a whole number above 0, or leave it out.',
  );
}

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function checkedPath(path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw new InvalidArgumentError(
    'The path of the backup is not acceptable.',
    'Give the path of a file that does not exist yet.',
  );
}
