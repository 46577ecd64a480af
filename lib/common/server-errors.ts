import { HyperCacheError } from './errors.js';

/** The cache server cannot be reached. Nothing was sent, or only a read. @publicApi */
export class ServerUnreachableError extends HyperCacheError {
  readonly code = 'HC_SERVER_UNREACHABLE';
  constructor(reason: string, options?: ErrorOptions) {
    super(
      `The cache server cannot be reached: ${reason}.`,
      'Check the url, the network and the server; the node connects again by itself.',
      options,
    );
  }
}

/** The server answers, but it cannot serve as a cache. @publicApi */
export class ServerUnfitError extends HyperCacheError {
  readonly code = 'HC_SERVER_UNFIT';
  /** @param problems one sentence each, with the line to change */
  constructor(
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      `The cache server cannot be used:\n${problems.map((line) => `  - ${line}`).join('\n')}\n`,
      'Change the server as each line says.',
      options,
    );
  }
}

/** The connection was lost after a write was sent; the server may have executed the write. @publicApi */
export class OutcomeUnknownError extends HyperCacheError {
  readonly code = 'HC_OUTCOME_UNKNOWN';
  constructor(reason: string, options?: ErrorOptions) {
    super(
      `The server has not answered a write (${reason}): it may or may not have been executed.`,
      'Read before you write again, or repeat only what is safe to run twice.',
      options,
    );
  }
}

/** A call on a whole namespace has succeeded in only some of its buckets. Calling it again is safe. @publicApi */
export class PartialError extends HyperCacheError {
  readonly code = 'HC_PARTIAL';
  constructor(
    /** The number of buckets in which the call is complete. */
    readonly done: number,
    /** The number of buckets in which it is not. */
    readonly left: number,
    options?: ErrorOptions,
  ) {
    super(
      `The call is complete in ${done} of ${done + left} buckets.`,
      'Call it again: that does no harm where it is complete. The cause says what failed.',
      options,
    );
  }
}

/** Another program keeps its own data in the place of an entry. @publicApi */
export class ForeignKeyError extends HyperCacheError {
  readonly code = 'HC_STORAGE_FOREIGN';
  constructor(cause: unknown) {
    super(
      'The cache server holds data of another program in the place of an entry.',
      'Give the option prefix of redis() another value, or delete that key on the server.',
      { cause },
    );
  }
}

/** The engine of this node does not offer this capability. @publicApi */
export class CapabilityAbsentError extends HyperCacheError {
  readonly code = 'HC_CAPABILITY_ABSENT';
}
