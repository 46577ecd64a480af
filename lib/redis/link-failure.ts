import { ClosedError } from '../common/errors.js';
import { OutcomeUnknownError, ServerUnreachableError } from '../common/server-errors.js';

/** Whether the server may have executed the command without a reply. @internal */
export function isUncertain(error: unknown): boolean {
  return error instanceof OutcomeUnknownError;
}

/** Whether the connection failed, not the command. The same command may succeed on the next connection. @internal */
export function isOfTheLink(error: unknown): boolean {
  return (
    isUncertain(error) || error instanceof ServerUnreachableError || error instanceof ClosedError
  );
}
