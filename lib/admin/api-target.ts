import type { ChangesPage, ListedEntry, ListingPage } from '../engine/listing.js';
import { ApiClient, type ApiClientOptions } from '../http/client/api-client.js';
import type { LockInfo } from '../locks/lock-factory.js';
import type { DeadLetterInfo } from '../node/hyper-cache-node.js';
import { captureValue } from '../value/capture.js';
import { encodeValue } from '../value/codec.js';
import { toPortable } from '../value/portable-value.js';
import type { Expired, Namespace, Target, TargetWrite } from './target.js';

/**
 * A running node, through its HTTP API.
 *
 * @internal
 */
export class ApiTarget implements Target {
  readonly #client: ApiClient;

  constructor(options: ApiClientOptions) {
    this.#client = new ApiClient(options);
  }

  async stats(): Promise<Record<string, unknown>> {
    return this.#ask<Record<string, unknown>>('GET', '/stats');
  }

  async namespaces(): Promise<readonly { name: string; entries: number }[]> {
    const { namespaces } = await this.#ask<{ namespaces: { name: string; entries: number }[] }>(
      'GET',
      '/namespaces',
    );
    return namespaces;
  }

  async page({
    namespace,
    prefix,
    after,
    limit,
    values,
  }: Parameters<Target['page']>[0]): Promise<ListingPage> {
    const { entries, next } = await this.#ask<{ entries: ListedEntry[]; next: string | null }>(
      'GET',
      withQuery('/entries', { namespace, prefix, after, limit, values }),
    );
    return { entries, next: next ?? undefined };
  }

  async find(namespace: Namespace, key: string): Promise<ListedEntry | undefined> {
    const { entry } = await this.#ask<{ entry: ListedEntry | null }>(
      'GET',
      withQuery('/entry', { namespace, key }),
    );
    return entry ?? undefined;
  }

  async store(namespace: Namespace, writes: readonly TargetWrite[]): Promise<void> {
    const entries = writes.map(({ key, value, ttl, tags }) => {
      const captured = captureValue(value, Number.MAX_SAFE_INTEGER);
      return { key, ...toPortable(encodeValue(captured)), ttl, tags };
    });
    await this.#ask('POST', withQuery('/entries', { namespace }), { entries });
  }

  async delete(namespace: Namespace, key: string): Promise<boolean> {
    const { deleted } = await this.#ask<{ deleted: number }>(
      'DELETE',
      withQuery('/entries', { namespace }),
      { keys: [key] },
    );
    return deleted > 0;
  }

  async deletePrefix(namespace: Namespace, prefix: string): Promise<number> {
    return this.#delete(namespace, { prefix });
  }

  async deleteTag(namespace: Namespace, tag: string): Promise<number> {
    return this.#delete(namespace, { tag });
  }

  async clear(namespace: Namespace): Promise<number> {
    return this.#delete(namespace, {});
  }

  async expire(namespace: Namespace, what: Expired): Promise<number> {
    const path = withQuery('/expire', { namespace });
    return (await this.#ask<{ expired: number }>('POST', path, what)).expired;
  }

  async locks(): Promise<readonly LockInfo[]> {
    return (await this.#ask<{ locks: LockInfo[] }>('GET', '/locks')).locks;
  }

  async releaseLock(name: string): Promise<boolean> {
    const { released } = await this.#ask<{ released: boolean }>('DELETE', '/locks', { name });
    return released;
  }

  async head(): Promise<number> {
    return (await this.#ask<{ next: number }>('GET', '/changes')).next;
  }

  async changes(after: number, limit: number): Promise<ChangesPage> {
    return this.#ask<ChangesPage>('GET', withQuery('/changes', { after, limit }));
  }

  async deadLetters(limit: number): Promise<readonly DeadLetterInfo[]> {
    const path = withQuery('/dead-letters', { limit });
    return (await this.#ask<{ deadLetters: DeadLetterInfo[] }>('GET', path)).deadLetters;
  }

  close(): void {
    this.#client.close();
  }

  async #delete(namespace: Namespace, fields: object): Promise<number> {
    const path = withQuery('/cache', { namespace });
    return (await this.#ask<{ deleted: number }>('DELETE', path, fields)).deleted;
  }

  /** The node is of this release, or its version shows that it is not. */
  async #ask<T = unknown>(method: string, path: string, fields?: object): Promise<T> {
    return (await this.#client.request(method, path, fields)) as T;
  }
}

function withQuery(path: string, parameters: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
