import {
  BodyTooLargeError,
  ClosedError,
  FencedError,
  HyperCacheError,
  InvalidArgumentError,
  InvalidKeyError,
  InvalidRequestError,
  InvalidTtlError,
  NotAnIntegerError,
  NumberRangeError,
  OutOfOrderError,
  PrimaryMismatchError,
  QueueFullError,
  StorageBusyError,
  StorageFailedError,
  StorageFullError,
  StorageLostError,
  SupersededError,
  TwoPrimariesError,
  UnsupportedValueError,
  ValueTooLargeError,
  type HyperCacheErrorCode,
} from './errors.js';

/** Error classes that a primary may answer a node with. */
const CLASSES: { readonly [code in HyperCacheErrorCode]?: { prototype: HyperCacheError } } = {
  HC_ARGUMENT_INVALID: InvalidArgumentError,
  HC_BODY_TOO_LARGE: BodyTooLargeError,
  HC_CLOSED: ClosedError,
  HC_FENCED: FencedError,
  HC_KEY_INVALID: InvalidKeyError,
  HC_NOT_AN_INTEGER: NotAnIntegerError,
  HC_NUMBER_RANGE: NumberRangeError,
  HC_OUT_OF_ORDER: OutOfOrderError,
  HC_PRIMARY_MISMATCH: PrimaryMismatchError,
  HC_QUEUE_FULL: QueueFullError,
  HC_REQUEST_INVALID: InvalidRequestError,
  HC_STORAGE_BUSY: StorageBusyError,
  HC_STORAGE_FAILED: StorageFailedError,
  HC_STORAGE_FULL: StorageFullError,
  HC_STORAGE_LOST: StorageLostError,
  HC_SUPERSEDED: SupersededError,
  HC_TTL_INVALID: InvalidTtlError,
  HC_TWO_PRIMARIES: TwoPrimariesError,
  HC_VALUE_TOO_LARGE: ValueTooLargeError,
  HC_VALUE_UNSUPPORTED: UnsupportedValueError,
};

/** Fields of errors in addition to code and message. */
const FIELDS = ['hint', 'lock', 'token', 'bytes', 'maxBytes'] as const;

/** The fields of an error, as nodes send them. @internal */
export type ErrorFields = readonly (readonly [name: string, value: unknown])[];

/** @internal */
export function fieldsOf(error: HyperCacheError): ErrorFields {
  return Object.entries(error).filter(([name]) => isField(name));
}

/**
 * Rebuilds the error of another node from its code and message, as an instance of its own class.
 *
 * @internal
 */
export function reviveError(
  code: string,
  message: string,
  fields: ErrorFields = [],
): HyperCacheError {
  const known = Object.hasOwn(CLASSES, code) ? CLASSES[code as HyperCacheErrorCode] : undefined;
  if (known === undefined) {
    return new PrimaryMismatchError(
      `The primary refused with ${code}: ${message}`,
      'Run the same version of nestjs-hypercache on all nodes.',
    );
  }
  // The message is complete: no constructor may add its own hint.
  const error = Reflect.construct(Error, [message], known as never) as HyperCacheError;
  const { name } = known.prototype.constructor;
  const own = Object.fromEntries(fields.filter(([field]) => isField(field)));
  return Object.assign(error, { code, name, hint: '' }, own);
}

function isField(name: string): boolean {
  return FIELDS.some((field) => field === name);
}
