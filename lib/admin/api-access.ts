import { API_OPTIONS } from '../node/option-table.js';

/** Where the API of a node is, unless its option `path` says otherwise. @internal */
export const API_PATH = String(API_OPTIONS.path.byDefault);

/** With the slash at its beginning, which a user may leave out, and none at its end. @internal */
export function apiPathOf(given: string): string {
  const path = given.replace(/\/+$/, '');
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}

/** Of several tokens the first, which a node shows to others; '' when there is none. @internal */
export function apiTokenIn(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['HYPERCACHE_API_TOKEN']?.split(',')[0]?.trim() ?? '';
}
