/** The code of one of Node's errors, such as 'ENOENT'. @internal */
export function errnoOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
