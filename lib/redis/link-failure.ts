import { ClosedError } from '../common/errors.js';
import { OutcomeUnknownError, ServerUnreachableError } from '../common/server-errors.js';

/** Whether the server may have executed the command although there was no answer. @internal */
export function isUncertain(error: unknown): boolean {
  return error instanceof OutcomeUnknownError;
}

/** Of the connection, and not of what was asked: the same command may succeed on the next one. @internal */
export function isOfTheLink(error: unknown): boolean {
  return (
    isUncertain(error) || error instanceof ServerUnreachableError || error instanceof ClosedError
  );
}
