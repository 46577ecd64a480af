import { HyperCacheError } from '../index.js';

/** Names of attributes. None of them ever holds a tag or a value. Only a span may hold a key. @internal */
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

/** The value of `error.type` for a failure. It has few values, independent of the messages. @internal */
export function errorTypeOf(error: unknown): string {
  if (error instanceof HyperCacheError) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}
