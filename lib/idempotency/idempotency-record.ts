/** The stored record of a request with a key. @internal */
export type IdempotencyRecord = RunningRecord | AnswerRecord;

interface RunningRecord {
  readonly state: 'running';
  readonly fingerprint: string;
}

/** @internal */
export interface AnswerRecord {
  readonly state: 'answered' | 'failed' | 'not stored';
  readonly fingerprint: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; empty for no body. */
  readonly body: string;
}

/**
 * The body as JSON; undefined when it cannot be stored. That is a stream, bytes, or a body with an instance of a class, because
 * an outer interceptor may leave out fields that a replay must not show.
 *
 * @internal
 */
export function bodyText(body: unknown): string | undefined {
  if (body === undefined) return '';
  return isPlain(body, 0) ? JSON.stringify(body) : undefined;
}

const MAX_DEPTH = 100;

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'function' || typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null) return true;
  if (depth > MAX_DEPTH) return false;
  if (value instanceof Date) return true;
  if (Array.isArray(value)) return value.every((part) => isPlain(part, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every((part) => isPlain(part, depth + 1));
}
