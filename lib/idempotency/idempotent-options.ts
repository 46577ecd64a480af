import type { ExecutionContext } from '@nestjs/common';
import { InvalidArgumentError, toMilliseconds, type Duration } from '../index.js';

/** @publicApi */
export interface IdempotentOptions {
  /** Whether a request without a key is refused with 400; otherwise it just runs. @default true */
  required?: boolean | undefined;
  /** How long an answer is kept, in ms or as a duration. @default '24h' */
  ttl?: Duration | undefined;
  /**
   * Whose key it is: two of different scopes never meet. A function of the request's context, after the guards.
   *
   * @default a digest of the header Authorization
   */
  scope?: ((context: ExecutionContext) => string | undefined) | undefined;
  /**
   * What must be the same when a key comes again, else it is 422: a function of the context, or `false` for nothing.
   *
   * @default a digest of method, path and body
   */
  fingerprint?: false | ((context: ExecutionContext) => string) | undefined;
  /** What happens to a request whose key is at work: 409 at once, or it waits for the answer. @default 'reject' */
  onConcurrent?: 'reject' | 'wait' | undefined;
  /** How long it waits, in ms or as a duration; then it is 409. @default '10s' */
  wait?: Duration | undefined;
  /**
   * What happens to a request whose key was at work when its process ended: 409 `outcome_unknown`, or it runs again.
   *
   * @default 'reject'
   */
  onCrash?: 'reject' | 'rerun' | undefined;
  /**
   * Which answers are kept, by status. What a pipe refused is never kept, because the handler did not run.
   *
   * @default 200 to 499 but 401, 403, 408, 409, 425 and 429
   */
  store?: ((status: number) => boolean) | undefined;
  /** The body as it is kept, of what the handler returned: for class instances, which are not kept as they are. */
  serialize?: ((body: unknown) => unknown) | undefined;
  /** Bytes of JSON of a body that is kept; a larger one is answered, and its replay is 409. @default 1_048_576 */
  maxBytes?: number | undefined;
  /** Where the key is. @default 'Idempotency-Key' */
  header?: string | undefined;
  /** Response headers that are kept and replayed. @default location, content-location, etag, link, retry-after */
  headers?: readonly string[] | undefined;
  /** Methods for which it stands. @default POST and PATCH; the others are idempotent by themselves */
  methods?: readonly string[] | undefined;
  /** What happens while the cache cannot be asked: 503, or the handler runs unprotected. @default 'reject' */
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

/** No timer of Node waits longer. */
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
