import { InvalidArgumentError } from '../common/errors.js';
import { isHttpUrl } from '../node/option-checks.js';
import { API_PATH, apiPathOf, apiTokenIn } from './api-access.js';
import { ApiTarget } from './api-target.js';
import { FileTarget } from './file-target.js';
import { RedisTarget } from './redis-target.js';
import { isServerUrl, withPassword } from './server-access.js';
import type { Target } from './target.js';

/** The time without a byte after which a request fails. */
const TIMEOUT_MS = 30_000;

/** The directory of a node, or the address of a running one. @internal */
export type Whereabouts =
  | { readonly directory: string }
  | {
      readonly url: string;
      /** The path of its API. @default '/api/hypercache' */
      readonly path: string | undefined;
      /** The prefix of the keys on a server. @default 'hc' */
      readonly prefix?: string | undefined;
      /** Contains the token. */
      readonly environment: Readonly<Record<string, string | undefined>>;
    };

/**
 * @throws {HC_ARGUMENT_INVALID} for an invalid address, or one without a token
 * @throws {HC_OPTIONS_INVALID | HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING} for a server
 * @throws {HC_STORAGE_OPEN | HC_STORAGE_FOREIGN | HC_SCHEMA_NEWER | HC_STORAGE_BUSY | HC_NATIVE_MODULE}
 * @internal
 */
export async function openTarget(where: Whereabouts): Promise<Target> {
  if ('directory' in where) return FileTarget.open(where.directory);
  const { url, path = API_PATH, environment } = where;
  if (isServerUrl(url)) {
    return RedisTarget.open({
      url: withPassword(url, environment['HYPERCACHE_REDIS_URL']),
      prefix: where.prefix,
      timeoutMs: TIMEOUT_MS,
    });
  }
  if (!isHttpUrl(url)) {
    throw new InvalidArgumentError(
      '--url is no http, https or redis URL.',
      'Write it as http://10.0.0.1:3000.',
    );
  }
  const token = apiTokenIn(environment);
  if (token === '') {
    throw new InvalidArgumentError(
      'HYPERCACHE_API_TOKEN is not set.',
      'Set it to one of the apiTokens of the node; it is not given as an argument.',
    );
  }
  return new ApiTarget({ url, path: apiPathOf(path), token, timeoutMs: TIMEOUT_MS });
}
