import { HyperCacheError } from '../index.js';

/** Names of attributes. None of them ever holds a tag or a value; only a span may hold a key. @internal */
export const Attribute = {
  Namespace: 'hypercache.namespace',
  Result: 'hypercache.result',
  Layer: 'hypercache.layer',
  Operation: 'hypercache.operation',
  Reason: 'hypercache.reason',
  Outcome: 'hypercache.outcome',
  Key: 'hypercache.key',
  ErrorType: 'error.type',
} as const;

/** What `error.type` says of a failure: few values, whatever the messages are. @internal */
export function errorTypeOf(error: unknown): string {
  if (error instanceof HyperCacheError) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}
