import {
  InvalidArgumentError,
  PrimaryTimeoutError,
  PrimaryUnreachableError,
  QueueFullError,
  StorageBusyError,
  StorageFailedError,
  StorageFullError,
  type HyperCacheError,
} from '../../common/errors.js';

const WHY = 'a fault of the test';

const ERRORS = {
  HC_STORAGE_FULL: () => new StorageFullError(WHY),
  HC_STORAGE_BUSY: () => new StorageBusyError(WHY),
  HC_STORAGE_FAILED: () => new StorageFailedError(WHY),
  HC_QUEUE_FULL: () => new QueueFullError(0, 1),
  HC_PRIMARY_UNREACHABLE: () => new PrimaryUnreachableError(WHY, WHY),
  HC_PRIMARY_TIMEOUT: () => new PrimaryTimeoutError(WHY, WHY),
} as const satisfies Record<string, () => HyperCacheError>;

/** The codes of faults that need no error object. @publicApi */
export type FaultCode = keyof typeof ERRORS;

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function errorOf(failure: unknown): unknown {
  if (typeof failure === 'object' && failure instanceof Error) return failure;
  if (typeof failure === 'string' && Object.hasOwn(ERRORS, failure)) {
    return ERRORS[failure as FaultCode]();
  }
  throw new InvalidArgumentError(
    'The fault is neither an error nor a known code.',
    `Give an Error, or one of ${Object.keys(ERRORS).join(', ')}.`,
  );
}
