import type { ServerResponse } from 'node:http';
import {
  InvalidArgumentError,
  InvalidKeyError,
  InvalidRequestError,
  InvalidTtlError,
} from '../../common/errors.js';
import { assertKey, assertNamespace } from '../../common/keys.js';
import type { NodeCache } from '../../node/hyper-cache-node.js';
import type { ApiContext } from '../api/api-context.js';
import { answerJson } from '../../http/answer.js';
import { rawRequest, rawResponse, rawUrl } from '../../http/raw-exchange.js';
import { readFields } from './read-body.js';

/**
 * One request of the JSON API and its answer. It reads nothing that a pipe, a parser or an interceptor of the host may have
 * changed.
 *
 * @internal
 */
export class ApiCall {
  readonly #path: string;
  readonly #query: URLSearchParams;

  constructor(
    private readonly api: ApiContext,
    private readonly request: unknown,
    private readonly response: unknown,
  ) {
    const [path = '', ...query] = rawUrl(rawRequest(request)).split('?');
    this.#path = path;
    this.#query = new URLSearchParams(query.join('?'));
  }

  /** Node's response, for code that must notice when the client disconnects. */
  get raw(): ServerResponse {
    return rawResponse(this.response);
  }

  /**
   * The last segment of the path.
   *
   * @throws {HC_KEY_INVALID}
   */
  get key(): string {
    const key = decoded(this.#path.slice(this.#path.lastIndexOf('/') + 1));
    assertKey(key);
    return key;
  }

  /**
   * The cache that the request names, or the default one.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  get cache(): NodeCache {
    return this.api.node.cache(this.namespace);
  }

  /**
   * The namespace that the request names, or the node's own.
   *
   * @throws {HC_ARGUMENT_INVALID}
   */
  get namespace(): string {
    const namespace = this.#query.get('namespace') ?? this.api.namespace;
    assertNamespace(namespace);
    return namespace;
  }

  /** @throws {HC_KEY_INVALID} for a path that ends where a key is missing */
  assertNoKey(): void {
    if (this.#path.endsWith('/')) throw new InvalidKeyError('The key is empty.');
  }

  /** A parameter of the query. */
  query(name: string): string | undefined {
    return this.#query.get(name) ?? undefined;
  }

  /**
   * The fields of the JSON body.
   *
   * @param known their names
   * @throws {HC_REQUEST_INVALID} for example for an unknown field
   * @throws {HC_TTL_INVALID | HC_ARGUMENT_INVALID} for a duration: over HTTP, times are numbers
   */
  async fields<Name extends string>(
    ...known: readonly Name[]
  ): Promise<{ readonly [name in Name]?: unknown }> {
    const fields = await readFields(this.request, this.api.maxJsonBytes);
    const unknown = Object.keys(fields).find((name) => !known.some((other) => other === name));
    if (unknown === undefined) {
      refuseDurations(fields);
      return fields as { readonly [name in Name]?: unknown };
    }
    throw new InvalidRequestError(
      `The body has a field '${unknown.slice(0, 40)}', which means nothing here.`,
      `Send ${known.join(', ')}.`,
    );
  }

  reply(body: unknown): void {
    this.api.open.beforeAnswer(this.raw);
    answerJson(this.response, body);
  }
}

/** Programs in other languages send milliseconds. The API accepts only this form. */
function refuseDurations({ ttl, wait }: { readonly ttl?: unknown; readonly wait?: unknown }): void {
  if (typeof ttl === 'string') throw new InvalidTtlError(ttl);
  if (typeof wait === 'string') {
    throw new InvalidArgumentError('The wait is a text.', 'Send milliseconds as a number.');
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new InvalidRequestError('The path is not well encoded.', 'Percent-encode it as UTF-8.');
  }
}
