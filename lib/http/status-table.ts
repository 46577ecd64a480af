import type { HyperCacheErrorCode } from '../common/errors.js';

/** How many seconds a client should wait, by the status of an answer. @internal */
export const RETRY_AFTER: { readonly [status: number]: string } = { 429: '60', 503: '1' };

/** A code that is not listed here is a 500. */
const STATUS: { readonly [code in HyperCacheErrorCode]?: number } = {
  HC_ARGUMENT_INVALID: 400,
  HC_KEY_INVALID: 400,
  HC_REQUEST_INVALID: 400,
  HC_TTL_INVALID: 400,
  HC_VALUE_INVALID: 400,
  HC_VALUE_UNSUPPORTED: 400,
  HC_UNAUTHORIZED: 401,
  HC_MISS: 404,
  HC_ROUTE_UNKNOWN: 404,
  HC_FENCED: 409,
  HC_LOCK_LOST: 409,
  HC_LOCK_TIMEOUT: 409,
  HC_NOT_AN_INTEGER: 409,
  HC_NUMBER_RANGE: 409,
  HC_BODY_TOO_LARGE: 413,
  HC_VALUE_TOO_LARGE: 413,
  HC_CONTENT_TYPE: 415,
  HC_NOT_PRIMARY: 421,
  HC_PRIMARY_MISMATCH: 421,
  HC_ROLE_MISMATCH: 421,
  HC_SUPERSEDED: 421,
  HC_TOO_MANY_ATTEMPTS: 429,
  HC_CAPABILITY_ABSENT: 501,
  HC_BACKUP_FAILED: 503,
  HC_CLOSED: 503,
  HC_OUTBOX_FULL: 503,
  HC_OUT_OF_ORDER: 409,
  HC_PRIMARY_FOREIGN: 503,
  HC_PRIMARY_REFUSED: 503,
  HC_PRIMARY_TIMEOUT: 503,
  HC_PRIMARY_UNREACHABLE: 503,
  HC_QUEUE_FULL: 503,
  HC_REPLICA_BEHIND: 503,
  HC_SERVER_UNFIT: 503,
  HC_SERVER_UNREACHABLE: 503,
  HC_STORAGE_BUSY: 503,
  HC_STORAGE_LOST: 503,
  HC_TWO_PRIMARIES: 503,
  HC_OUTCOME_UNKNOWN: 504,
  HC_PARTIAL: 504,
  HC_STORAGE_FULL: 507,
};

/** The HTTP status that answers an error of this code. @internal */
export function statusOf(code: HyperCacheErrorCode): number {
  return STATUS[code] ?? 500;
}
