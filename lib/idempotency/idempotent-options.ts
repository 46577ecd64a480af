import type { ExecutionContext } from '@nestjs/common';
import { InvalidArgumentError, toMilliseconds, type Duration } from '../index.js';

/** The options of `@Idempotent`. @publicApi */
export interface IdempotentOptions {
  /** Whether a request without a key is refused with 400. Otherwise it runs without protection. @default true */
  required?: boolean | undefined;
  /** How long an answer is kept, in ms or as a duration. @default '24h' */
  ttl?: Duration | undefined;
  /**
   * The scope of a key: keys of different scopes never meet. A function of the request's context, called after the guards.
   *
   * @default a digest of the header Authorization
   */
  scope?: ((context: ExecutionContext) => string | undefined) | undefined;
  /**
   * The fingerprint that must be the same when a key is used again, or the answer is 422. A function of the context, or `false`
   * for none.
   *
   * @default a digest of method, path and body
   */
  fingerprint?: false | ((context: ExecutionContext) => string) | undefined;
  /** What happens to a request whose key is in progress: an immediate 409, or it waits for the answer. @default 'reject' */
  onConcurrent?: 'reject' | 'wait' | undefined;
  /** How long it waits before the answer is 409, in ms or as a duration. @default '10s' */
  wait?: Duration | undefined;
  /**
   * What happens to a request whose key was in progress when its process died: 409 `outcome_unknown`, or it runs again.
   *
   * @default 'reject'
   */
  onCrash?: 'reject' | 'rerun' | undefined;
  /**
   * Which answers are stored, by status. The refusal of a pipe is never stored, because the handler did not run.
   *
   * @default 200 to 499 except 401, 403, 408, 409, 425 and 429
   */
  store?: ((status: number) => boolean) | undefined;
  /** Converts the handler's result to the body to store. It is needed for class instances, which are not stored unchanged. */
  serialize?: ((body: unknown) => unknown) | undefined;
  /** The most bytes of JSON of a stored body. A larger one is answered, and its replay is 409. @default 1_048_576 */
  maxBytes?: number | undefined;
  /** The header of the key. @default 'Idempotency-Key' */
  header?: string | undefined;
  /** Response headers that are stored and replayed. @default location, content-location, etag, link, retry-after */
  headers?: readonly string[] | undefined;
  /** The methods that it protects. @default POST and PATCH; the others are idempotent by themselves */
  methods?: readonly string[] | undefined;
  /** What happens while the cache is unreachable: 503, or the handler runs unprotected. @default 'reject' */
  onUnavailable?: 'reject' | 'run' | undefined;
}

/** @internal */
export type ResolvedIdempotentOptions = Required<{
  [K in keyof IdempotentOptions]: K extends 'scope' | 'fingerprint' | 'serialize'
    ? IdempotentOptions[K]
    : NonNullable<IdempotentOptions[K]>;
}>;

const NOT_KEPT: ReadonlySet<number> = new Set([401, 403, 408, 409, 425, 429]);

const DEFAULTS: ResolvedIdempotentOptions = {
  required: true,
  ttl: '24h',
  scope: undefined,
  fingerprint: undefined,
  onConcurrent: 'reject',
  wait: '10s',
  onCrash: 'reject',
  store: (status) => status >= 200 && status < 500 && !NOT_KEPT.has(status),
  serialize: undefined,
  maxBytes: 1_048_576,
  header: 'Idempotency-Key',
  headers: ['location', 'content-location', 'etag', 'link', 'retry-after'],
  methods: ['POST', 'PATCH'],
  onUnavailable: 'reject',
};

const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  onConcurrent: ['reject', 'wait'],
  onCrash: ['reject', 'rerun'],
  onUnavailable: ['reject', 'run'],
};

/** The longest wait of a timer of Node. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** @throws {HC_ARGUMENT_INVALID} @internal */
export function resolveIdempotentOptions(given: IdempotentOptions): ResolvedIdempotentOptions {
  const options = { ...DEFAULTS };
  for (const [name, value] of Object.entries(Object(given) as object)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new InvalidArgumentError(
        `@Idempotent has no option '${name}'.`,
        `There are ${Object.keys(DEFAULTS).join(', ')}.`,
      );
    }
    if (value !== undefined) Reflect.set(options, name, value);
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const words = choices.map((choice) => `'${String(choice)}'`).join(' or ');
    if (!choices.includes(Reflect.get(options, name))) throw wrong(name, words);
  }
  const { required, scope, fingerprint, serialize, store, maxBytes, header, ttl, wait } = options;
  if (typeof required !== 'boolean') throw wrong('required', 'true or false');
  if (ttl !== Infinity) toMilliseconds(ttl, 'option ttl of @Idempotent');
  if (toMilliseconds(wait, 'option wait of @Idempotent') > MAX_WAIT_MS) {
    throw wrong('wait', `at most ${MAX_WAIT_MS} milliseconds`);
  }
  for (const [name, made] of Object.entries({ scope, fingerprint, serialize, store })) {
    const isLeft = made === undefined || (name === 'fingerprint' && made === false);
    if (!isLeft && typeof made !== 'function') throw wrong(name, 'a function');
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
    throw wrong('maxBytes', 'a whole number of bytes from 0');
  }
  if (typeof header !== 'string' || !/^[\w-]+$/.test(header)) {
    throw wrong('header', "the name of a header, such as 'Idempotency-Key'");
  }
  for (const name of ['headers', 'methods'] as const) {
    const list: unknown = options[name];
    if (!Array.isArray(list) || !list.every((one) => typeof one === 'string')) {
      throw wrong(name, 'an array of names');
    }
  }
  return options;
}

function wrong(name: string, instead: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `The option ${name} of @Idempotent is not acceptable.`,
    `Give ${instead}.`,
  );
}
