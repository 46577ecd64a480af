import { HyperCacheError, StorageFailedError, StorageFullError } from '../common/errors.js';
import {
  ForeignKeyError,
  OutcomeUnknownError,
  ServerUnfitError,
  ServerUnreachableError,
} from '../common/server-errors.js';

/** Codes of replies that may pass while a server starts or changes its role. */
const NOT_NOW = /^(LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS)\b/;
/** The refusal of a script has other words than that of a command, and other ones since Redis 7.2. */
const MAY_NOT =
  /^(NOAUTH|WRONGPASS|NOPERM)\b|The user executing the script can't|ACL failure in script/;

/** Commands that change nothing. They may be lost or sent again. */
const READS = new Set([
  'GET',
  'MGET',
  'GETRANGE',
  'EXISTS',
  'SCAN',
  'TIME',
  'ROLE',
  'INFO',
  'ZRANGE',
  'HGETALL',
]);

/** @internal */
export function isRead(command: unknown): boolean {
  return typeof command === 'string' && READS.has(command);
}

/** The typed error for an error reply of the server. @internal */
export function replyError(error: unknown): HyperCacheError {
  const text = messageOf(error);
  if (text.startsWith('OOM')) {
    return new StorageFullError(error, {
      message: 'The memory of the cache server is full; nothing was stored.',
      hint: "Raise the server's maxmemory, or let it evict: maxmemory-policy volatile-lru.",
    });
  }
  if (MAY_NOT.test(text)) {
    return new ServerUnfitError([
      `It refuses this client: ${text}. Grant the user what docs/redis.md lists.`,
    ]);
  }
  if (text.startsWith('WRONGTYPE')) return new ForeignKeyError(error);
  if (NOT_NOW.test(text)) return new ServerUnreachableError(text, { cause: error });
  return new StorageFailedError(error, {
    message: `The cache server failed: ${text}.`,
    hint: 'See the cause, and the log of the server.',
  });
}

/** The error of a call that gets no reply. @internal */
export function unanswered(command: unknown, reason: string): HyperCacheError {
  return isRead(command) ? new ServerUnreachableError(reason) : new OutcomeUnknownError(reason);
}

/** Whether the server does not know the script. @internal */
export function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith('NOSCRIPT');
}

/** @internal */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The error for a reply that no script of ours gives: something else has answered. @internal */
export function unexpectedReply(script: string): HyperCacheError {
  return new StorageFailedError(undefined, {
    message: `The cache server has answered the script ${script} in an unknown way.`,
    hint: 'Look for a proxy before the server, or another program that writes its keys.',
  });
}
