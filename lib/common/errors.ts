/**
 * Every code that HyperCache raises. `docs/errors.md` has a row for each; a test compares the two.
 *
 * @publicApi
 */
export type HyperCacheErrorCode =
  | 'HC_ARGUMENT_INVALID'
  | 'HC_BACKUP_FAILED'
  | 'HC_BODY_TOO_LARGE'
  | 'HC_CAPABILITY_ABSENT'
  | 'HC_CHECKPOINTS_INLINE'
  | 'HC_CLOSED'
  | 'HC_CONTENT_TYPE'
  | 'HC_DEPENDENCY_MISSING'
  | 'HC_FACTORY_FAILED'
  | 'HC_FACTORY_TIMEOUT'
  | 'HC_FENCED'
  | 'HC_FILE_IN_USE'
  | 'HC_IMPORT_INVALID'
  | 'HC_INTERNAL'
  | 'HC_KEY_INVALID'
  | 'HC_LISTEN_FAILED'
  | 'HC_LOG_TOO_LARGE'
  | 'HC_LOCK_LOST'
  | 'HC_LOCK_TIMEOUT'
  | 'HC_MISS'
  | 'HC_MODULE_MISSING'
  | 'HC_NATIVE_MODULE'
  | 'HC_NOT_AN_INTEGER'
  | 'HC_NOT_PRIMARY'
  | 'HC_NUMBER_RANGE'
  | 'HC_OPTIONS_INVALID'
  | 'HC_OUTBOX_FULL'
  | 'HC_OUTCOME_UNKNOWN'
  | 'HC_OUT_OF_ORDER'
  | 'HC_PARTIAL'
  | 'HC_PRIMARY_FOREIGN'
  | 'HC_PRIMARY_MISMATCH'
  | 'HC_PRIMARY_REFUSED'
  | 'HC_PRIMARY_TIMEOUT'
  | 'HC_PRIMARY_UNREACHABLE'
  | 'HC_QUEUE_FULL'
  | 'HC_REQUEST_INVALID'
  | 'HC_REPLICA_BEHIND'
  | 'HC_ROLE_MISMATCH'
  | 'HC_ROUTE_UNKNOWN'
  | 'HC_SCHEMA_NEWER'
  | 'HC_SERVER_UNFIT'
  | 'HC_SERVER_UNREACHABLE'
  | 'HC_STORAGE_BUSY'
  | 'HC_STORAGE_FAILED'
  | 'HC_STORAGE_FOREIGN'
  | 'HC_STORAGE_FULL'
  | 'HC_STORAGE_LOST'
  | 'HC_STORAGE_OPEN'
  | 'HC_SUPERSEDED'
  | 'HC_TOO_MANY_ATTEMPTS'
  | 'HC_TTL_INVALID'
  | 'HC_TWO_PRIMARIES'
  | 'HC_UNAUTHORIZED'
  | 'HC_VALUE_TOO_LARGE'
  | 'HC_VALUE_UNREADABLE'
  | 'HC_VALUE_INVALID'
  | 'HC_VALUE_UNSUPPORTED';

/**
 * The base of every error that HyperCache throws.
 *
 * @publicApi
 */
export abstract class HyperCacheError extends Error {
  /** Stable: branch on this, never on the message. */
  abstract readonly code: HyperCacheErrorCode;
  /** What to change, in one sentence. */
  readonly hint: string;
  // Defined, not assigned: an assignment may be refused where prototypes are frozen.
  override readonly name: string = this.constructor.name;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(`${message} ${hint}`, options);
    this.hint = hint;
  }
}

/** A key is not a non-empty, well-formed string of at most 1,024 bytes. @publicApi */
export class InvalidKeyError extends HyperCacheError {
  readonly code = 'HC_KEY_INVALID';
  constructor(message: string) {
    super(message, 'Use a non-empty, well-formed string of at most 1024 bytes.');
  }
}

function describeTtl(ttl: unknown): string {
  if (typeof ttl === 'number') return String(ttl);
  return typeof ttl === 'string' ? `'${ttl.slice(0, 40)}'` : `of type ${typeof ttl}`;
}

/** A ttl is negative, not finite, or a duration without its unit. @publicApi */
export class InvalidTtlError extends HyperCacheError {
  readonly code = 'HC_TTL_INVALID';
  constructor(ttl: unknown) {
    super(
      `The ttl is ${describeTtl(ttl)}.`,
      "Give milliseconds as a number, or a duration with its unit, such as '30s' or '5m'; 0 means no expiry.",
    );
  }
}

/** An argument is not acceptable: of a wrong type, out of its bounds, or unknown. Nothing was done. @publicApi */
export class InvalidArgumentError extends HyperCacheError {
  readonly code = 'HC_ARGUMENT_INVALID';
}

/** A value is of a kind that the cache cannot store, such as a function or an instance of a class. @publicApi */
export class UnsupportedValueError extends HyperCacheError {
  readonly code = 'HC_VALUE_UNSUPPORTED';
  constructor(
    message: string,
    hint = 'Cache plain objects, arrays, strings, numbers, booleans, null, Date, Map, Set, bigint, Buffer or Uint8Array.',
  ) {
    super(message, hint);
  }
}

/** A schema does not accept a value that was to be stored, or a value that was read. @publicApi */
export class InvalidValueError extends HyperCacheError {
  readonly code = 'HC_VALUE_INVALID';
  /** @param issues one line each, without the value itself */
  constructor(
    readonly issues: readonly string[],
    cause?: unknown,
  ) {
    const [first = 'no reason given'] = issues;
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
    super(
      `The schema of the cache does not accept the value: ${first}${more}.`,
      'Store what the schema accepts; after a change of the schema, raise the version of the definition.',
      cause === undefined ? undefined : { cause },
    );
  }
}

/** A value has more bytes, once encoded, than the cache accepts. @publicApi */
export class ValueTooLargeError extends HyperCacheError {
  readonly code = 'HC_VALUE_TOO_LARGE';
  constructor(
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(
      `The value takes ${bytes} bytes; the limit is ${maxBytes}.`,
      'Cache a smaller value, or raise the option maxValueSize; a value takes at most 85 % of maxSize.',
    );
  }
}

/** `increment` or `decrement` was called on a value that is not an integer. @publicApi */
export class NotAnIntegerError extends HyperCacheError {
  readonly code = 'HC_NOT_AN_INTEGER';
  constructor(what: string) {
    super(`${what} is not an integer.`, 'Count only under keys that hold integers.');
  }
}

/** A counter would leave the safe integers. It keeps the number that it had. @publicApi */
export class NumberRangeError extends HyperCacheError {
  readonly code = 'HC_NUMBER_RANGE';
  constructor() {
    super(
      'The counter would leave the safe integers, +-(2^53 - 1).',
      'Delete the key to start over, or keep the count yourself, as a bigint.',
    );
  }
}

/** One problem in the options. @publicApi */
export interface OptionProblem {
  /** The option's name, or the name of the environment variable if the value came from there. */
  readonly option: string;
  /** The value as given, shortened; secrets are never shown. */
  readonly value: string;
  /** What to write instead. */
  readonly instead: string;
}

/** All problems in the options, reported together. @publicApi */
export class InvalidOptionsError extends HyperCacheError {
  readonly code = 'HC_OPTIONS_INVALID';
  constructor(readonly problems: readonly OptionProblem[]) {
    const lines = problems.map(
      ({ option, value, instead }) => `\n  - ${option} is ${value}: ${instead}`,
    );
    super(
      `HyperCache cannot start: ${problems.length} option${problems.length === 1 ? ' is' : 's are'} wrong.${lines.join('')}\n`,
      'Correct them in HyperCacheModule.forRoot() or in the environment.',
    );
  }
}

/** The directory holds the data of a node with another role. @publicApi */
export class RoleMismatchError extends HyperCacheError {
  readonly code = 'HC_ROLE_MISMATCH';
}

/** The primary could not be reached, so the request did not arrive. @publicApi */
export class PrimaryUnreachableError extends HyperCacheError {
  readonly code = 'HC_PRIMARY_UNREACHABLE';
  constructor(url: string, cause: unknown) {
    super(
      `The primary at ${url} cannot be reached: ${reasonOf(cause)}.`,
      'Check that it runs and that primaryUrl (or HYPERCACHE_PRIMARY_URL) is its address; the node connects by itself when it is back.',
      { cause },
    );
  }
}

/** The primary did not answer in time. It is unknown whether the write was executed. @publicApi */
export class PrimaryTimeoutError extends HyperCacheError {
  readonly code = 'HC_PRIMARY_TIMEOUT';
  constructor(url: string, reason: string, cause?: unknown) {
    super(
      `The primary at ${url} did not answer: ${reason}. It is unknown whether the request was executed.`,
      'Read the key before you repeat a write that must not happen twice; raise the option timeout if the network is slow.',
      { cause },
    );
  }
}

/** The primary does not accept this node's token. @publicApi */
export class PrimaryRefusedError extends HyperCacheError {
  readonly code = 'HC_PRIMARY_REFUSED';
  constructor(url: string) {
    super(
      `The primary at ${url} does not accept the apiToken of this node (after a promotion: its adminToken), or its signature.`,
      'Give both nodes the same apiToken (or HYPERCACHE_API_TOKEN); to rotate it, let the primary accept both tokens for a while. If requests are signed, set signRequests and the right time on both nodes.',
    );
  }
}

/** The answer did not come from HyperCache. @publicApi */
export class PrimaryForeignError extends HyperCacheError {
  readonly code = 'HC_PRIMARY_FOREIGN';
}

/** A request carries no valid token. The error reveals nothing more. @publicApi */
export class UnauthorizedError extends HyperCacheError {
  readonly code = 'HC_UNAUTHORIZED';
  constructor(
    message = 'The request has no valid token.',
    hint = 'Send one of the apiTokens as X-HyperCache-Token.',
  ) {
    super(message, hint);
  }
}

/** Too many requests from one address had no valid token, and this request had none either. @publicApi */
export class TooManyAttemptsError extends HyperCacheError {
  readonly code = 'HC_TOO_MANY_ATTEMPTS';
  constructor() {
    super(
      'Too many requests had no valid token.',
      'Send one of the apiTokens as X-HyperCache-Token: a request with a valid token is never refused because of earlier ones.',
    );
  }
}

/** A request that the node cannot understand. @publicApi */
export class InvalidRequestError extends HyperCacheError {
  readonly code = 'HC_REQUEST_INVALID';
}

/** The body of a request has another content type, or is encoded. @publicApi */
export class ContentTypeError extends HyperCacheError {
  readonly code = 'HC_CONTENT_TYPE';
  constructor(wanted: string) {
    super('The content type of the body is not accepted.', `Send ${wanted}, not compressed.`);
  }
}

/** The body of a request exceeds the limit; no part of it was used. @publicApi */
export class BodyTooLargeError extends HyperCacheError {
  readonly code = 'HC_BODY_TOO_LARGE';
  constructor(readonly maxBytes: number) {
    super(
      `The body takes more than ${maxBytes} bytes.`,
      'Send less at once; the limit follows the option maxValueSize of the node that answers.',
    );
  }
}

/** No endpoint has this path and method. @publicApi */
export class UnknownRouteError extends HyperCacheError {
  readonly code = 'HC_ROUTE_UNKNOWN';
  constructor() {
    super('There is no such endpoint.', 'See docs/http-api.md for paths and methods.');
  }
}

/** A key that was requested over HTTP is missing or expired. @publicApi */
export class MissError extends HyperCacheError {
  readonly code = 'HC_MISS';
  constructor() {
    super('The key is missing or expired.', 'Set it, or treat this answer as a miss.');
  }
}

/** A node received a request that only a primary can serve. @publicApi */
export class NotPrimaryError extends HyperCacheError {
  readonly code = 'HC_NOT_PRIMARY';
  constructor(
    message = 'This node is not a primary.',
    hint = 'Point primaryUrl at the primary of the cluster.',
  ) {
    super(message, hint);
  }
}

/** A line of an imported file cannot be used; nothing of its batch was stored. @publicApi */
export class ImportInvalidError extends HyperCacheError {
  readonly code = 'HC_IMPORT_INVALID';
  constructor(
    /** Counted from 1. */
    readonly line: number,
    reason: string,
  ) {
    super(`Line ${line} cannot be imported: ${reason}`, 'Correct the line, or remove it.');
  }
}

/** An unforeseen failure of the node that answered a request. @publicApi */
export class InternalError extends HyperCacheError {
  readonly code = 'HC_INTERNAL';
  constructor(options?: ErrorOptions) {
    super('The node failed.', 'See the log of the node that answered.', options);
  }
}

/** The port of the option `listen` cannot be opened. @publicApi */
export class ListenFailedError extends HyperCacheError {
  readonly code = 'HC_LISTEN_FAILED';
  constructor(host: string, port: number, cause: unknown) {
    super(
      `HyperCache cannot listen on ${host}:${port}: ${reasonOf(cause)}.`,
      'Give listen a host of this machine and a port that is free.',
      { cause },
    );
  }
}

/** An optional package is needed but not installed. @publicApi */
export class DependencyMissingError extends HyperCacheError {
  readonly code = 'HC_DEPENDENCY_MISSING';
  constructor(packages: string, purpose: string, cause: unknown) {
    super(`${purpose} needs ${packages}.`, `Run npm install ${packages}.`, { cause });
  }
}

/** The primary has committed the write, but the change did not arrive at this node in time. @publicApi */
export class ReplicaBehindError extends HyperCacheError {
  readonly code = 'HC_REPLICA_BEHIND';
  constructor(timeoutMs: number) {
    super(
      `The primary has committed the write, but this node has not received it within ${timeoutMs} ms.`,
      'It will arrive when the connection to the primary is back; until then reads on this node may return older values.',
    );
  }
}

/** The answer came from HyperCache, but not from a primary that this node can follow. @publicApi */
export class PrimaryMismatchError extends HyperCacheError {
  readonly code = 'HC_PRIMARY_MISMATCH';
}

/** The history of a primary has ended: another node was promoted, and continues it. @publicApi */
export class SupersededError extends HyperCacheError {
  readonly code = 'HC_SUPERSEDED';
}

/** More than one primary writes to what should be one history. @publicApi */
export class TwoPrimariesError extends HyperCacheError {
  readonly code = 'HC_TWO_PRIMARIES';
}

/** The backup was not made; no part of it is left. @publicApi */
export class BackupFailedError extends HyperCacheError {
  readonly code = 'HC_BACKUP_FAILED';
}

/** The cache is closed, or closes while the call waits. @publicApi */
export class ClosedError extends HyperCacheError {
  readonly code = 'HC_CLOSED';
  constructor() {
    super('The cache is closed.', 'Stop using it after app.close().');
  }
}

/** A factory threw while it refreshed an entry; the entry is unchanged. @publicApi */
export class FactoryFailedError extends HyperCacheError {
  readonly code = 'HC_FACTORY_FAILED';
  constructor(cause: unknown) {
    super(
      'A factory failed while it refreshed an entry.',
      'See the cause; the entry is served for as long as it is kept.',
      { cause },
    );
  }
}

/** A factory has neither returned nor thrown in time, so its caller no longer waits for it. @publicApi */
export class FactoryTimeoutError extends HyperCacheError {
  readonly code = 'HC_FACTORY_TIMEOUT';
  constructor(key: string, ms: number, isAborted = false) {
    super(
      `The factory of '${key}' has not ended within ${ms} ms.`,
      isAborted
        ? 'Raise `timeout`, or shorten what the factory waits for; its signal was aborted, and its result is not stored.'
        : 'Set a timeout on what the factory waits for; a later result is stored if the key has not changed.',
    );
  }
}

/** Too many writes wait to be committed. None of those refused was stored. @publicApi */
export class QueueFullError extends HyperCacheError {
  readonly code = 'HC_QUEUE_FULL';
  constructor(waiting: number, refused: number) {
    super(
      `${waiting} writes wait to be committed, and there is no room for ${refused} more: none of them was stored.`,
      'Await the writes, so that the producer cannot outrun the disk; give mset() and mdel() fewer at a time.',
    );
  }
}

/** Too many asynchronous writes wait for the primary; no more are accepted. @publicApi */
export class OutboxFullError extends HyperCacheError {
  readonly code = 'HC_OUTBOX_FULL';
  constructor(operations: number, bytes: number) {
    super(
      `${operations} writes (${bytes} bytes) wait in the outbox for the primary; this one was not accepted.`,
      "Bring the primary back; raise outboxMaxEntries or outboxMaxBytes, or set outboxFull: 'block'.",
    );
  }
}

/** A write arrived before the one that it follows, or after its sender gave it up; accepted writes are sent again. @publicApi */
export class OutOfOrderError extends HyperCacheError {
  readonly code = 'HC_OUT_OF_ORDER';
  constructor(sequence: number, last: number) {
    super(
      `The write ${sequence} of another node arrived out of order: the last one was ${last}.`,
      'The node sends it again by itself.',
    );
  }
}

/** A fenced write came too late: the lock was granted again before it. @publicApi */
export class FencedError extends HyperCacheError {
  readonly code = 'HC_FENCED';
  constructor(
    readonly lock: string,
    readonly token: number,
  ) {
    super(
      `The write under lock '${lock}' with token ${token} was refused: a later token was granted.`,
      'The lease ended before the write. Start over under a new lease; give the lock a longer ttl, or renew: true.',
    );
  }
}

/** The lock was not free, or did not become free within `wait`. @publicApi */
export class LockTimeoutError extends HyperCacheError {
  readonly code = 'HC_LOCK_TIMEOUT';
  constructor(
    readonly lock: string,
    waitMs: number,
  ) {
    super(
      waitMs > 0
        ? `The lock '${lock}' was not free within ${waitMs} ms.`
        : `The lock '${lock}' is held by another owner.`,
      'Wait longer, try again later, or use acquire(), which resolves to false instead.',
    );
  }
}

/** The lease ended while its holder was still working. @publicApi */
export class LockLostError extends HyperCacheError {
  readonly code = 'HC_LOCK_LOST';
  constructor(
    readonly lock: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `The lock '${lock}' was lost: ${reason}.`,
      'Stop the work when the signal aborts; give the lock a longer ttl, or renew: true.',
      options,
    );
  }
}

/**
 * A method with `@WithLock` or a similar decorator was called on an object that Nest did not create, or there is no cache.
 *
 * @publicApi
 */
export class ModuleMissingError extends HyperCacheError {
  readonly code = 'HC_MODULE_MISSING';
  /** @param what names the part that needs a cache and has none */
  constructor(what: string, options?: ErrorOptions) {
    super(
      `${what} has no cache.`,
      'Import HyperCacheModule.forRoot(), and let Nest create the object as a provider or controller.',
      options,
    );
  }
}

/** better-sqlite3 is missing, was not compiled, or does not fit this version of Node. @publicApi */
export class NativeModuleError extends HyperCacheError {
  readonly code = 'HC_NATIVE_MODULE';
}

/** Another HyperCache in this process has the same file open; for a command, any process has it open. @publicApi */
export class FileInUseError extends HyperCacheError {
  readonly code = 'HC_FILE_IN_USE';
  constructor(
    path: string,
    where = 'already open in this process',
    hint = 'Call HyperCacheModule.forRoot() once and use forFeature() for more caches, or give each its own sqlitePath.',
  ) {
    super(`${path} is ${where}.`, hint);
  }
}

/** The directory or the file cannot be opened for writing. @publicApi */
export class StorageOpenError extends HyperCacheError {
  readonly code = 'HC_STORAGE_OPEN';
}

/** The file is a SQLite database, but not one of HyperCache. @publicApi */
export class ForeignFileError extends HyperCacheError {
  readonly code = 'HC_STORAGE_FOREIGN';
  constructor(path: string) {
    super(
      `${path} is the database of another program.`,
      'Give HyperCache its own directory in sqlitePath.',
    );
  }
}

/** The file was written by a newer release. @publicApi */
export class NewerSchemaError extends HyperCacheError {
  readonly code = 'HC_SCHEMA_NEWER';
  constructor(path: string, found: number, known: number) {
    super(
      `${path} has schema ${found}; this version knows schemas up to ${known}.`,
      'Install the newer nestjs-hypercache again, or move the directory away to start with an empty cache.',
    );
  }
}

/** The disk is full, or the file has reached its hard limit; no part of the write was stored. @publicApi */
export class StorageFullError extends HyperCacheError {
  readonly code = 'HC_STORAGE_FULL';
  constructor(
    cause: unknown,
    why = {
      message: 'The disk is full; the write was not stored.',
      hint: 'Free space on the disk of sqlitePath; writes work again by themselves.',
    },
  ) {
    super(why.message, why.hint, { cause });
  }
}

/** Another process kept the file locked for too long. @publicApi */
export class StorageBusyError extends HyperCacheError {
  readonly code = 'HC_STORAGE_BUSY';
  constructor(cause: unknown) {
    super(
      'Another process holds the write lock of the file.',
      'Look for a long transaction on the file, for example a backup tool or an open sqlite3 shell.',
      { cause },
    );
  }
}

/** The thread for checkpoints cannot run, so commits do the checkpoints. @publicApi */
export class CheckpointsInlineError extends HyperCacheError {
  readonly code = 'HC_CHECKPOINTS_INLINE';
  constructor(cause: unknown) {
    super(
      `The thread for checkpoints cannot run: ${cause instanceof Error ? cause.message : String(cause)}. Some commits will hold the event loop for longer.`,
      "See the cause; where worker threads are unavailable, set checkpoints: 'inline'.",
      { cause },
    );
  }
}

/** A reader in another program prevents the write-ahead log from being carried into the file. @publicApi */
export class LogTooLargeError extends HyperCacheError {
  readonly code = 'HC_LOG_TOO_LARGE';
  constructor(
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(
      `The write-ahead log has grown to ${bytes} bytes, beyond the ${maxBytes} of maxSize: another program keeps a read transaction open on the file.`,
      'End that transaction or that program, such as an open sqlite3 shell; the log shrinks by itself then.',
    );
  }
}

/** The file was damaged, deleted or replaced while in use; the node began a new one. @publicApi */
export class StorageLostError extends HyperCacheError {
  readonly code = 'HC_STORAGE_LOST';
}

/** Any other failure of SQLite; no part of the write was stored. @publicApi */
export class StorageFailedError extends HyperCacheError {
  readonly code = 'HC_STORAGE_FAILED';
  constructor(
    cause: unknown,
    why = {
      message: `SQLite failed: ${cause instanceof Error ? cause.message : String(cause)}.`,
      hint: 'See the cause; check the disk and the permissions of sqlitePath.',
    },
  ) {
    super(why.message, why.hint, { cause });
  }
}

/** The bytes of a stored value are damaged. The error does not show them: they may be part of a cached value. @publicApi */
export class UnreadableValueError extends HyperCacheError {
  readonly code = 'HC_VALUE_UNREADABLE';
  constructor() {
    super('A stored value cannot be read.', 'Write it again, or delete the key; check the disk.');
  }
}

function reasonOf(cause: unknown): string {
  // Under Jest, Node's own errors belong to another realm, so `instanceof` does not work here.
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return String(cause);
  return String(cause.message) || ('code' in cause ? String(cause.code) : 'no reason given');
}
