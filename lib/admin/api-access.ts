import { API_OPTIONS } from '../node/option-table.js';

/** The path of a node's API, unless its option `path` changes it. @internal */
export const API_PATH = String(API_OPTIONS.path.byDefault);

/** Adds the slash at the beginning, which a user may leave out, and removes one at the end. @internal */
export function apiPathOf(given: string): string {
  const path = given.replace(/\/+$/, '');
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

/** The first of several tokens, which a node sends to others; '' when there is none. @internal */
export function apiTokenIn(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['HYPERCACHE_API_TOKEN']?.split(',')[0]?.trim() ?? '';
}
