import { setImmediate as onNextTurn } from 'node:timers';
import type { StoredValue } from '../../value/codec.js';
import type { Lifetime } from '../../common/expiry.js';
import { commandTracing } from '../../common/traces.js';
import type { Page } from '../../engine/l2.js';
import type { LeaseName } from '../../engine/lease.js';
import type { ListedValue } from '../../sqlite/listing.js';
import { leaseFields } from '../wire/command-codec.js';
import { positionOf, QueryKind, RequestKind, type LeasesAnswer } from '../wire/exchange.js';
import { Fields, malformed, unpackArray } from '../wire/fields.js';
import type { Position } from '../wire/position.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import { readAnswer } from '../wire/read-answer.js';
import type { RemoteClock } from '../../common/remote-clock.js';
import { pack } from '../wire/wire.js';

/** An entry as the primary holds it. @internal */
export interface RemoteEntry extends Lifetime {
  readonly value: StoredValue;
  readonly revision: number;
}

interface Asked {
  readonly query: readonly unknown[];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Queries in one request. */
const BATCH = 500;

/**
 * Reads from the primary. The queries of one turn of the event loop travel in one request. Rejections are those of the
 * {@link PrimaryClient}.
 *
 * @internal
 */
export class RemoteReads {
  #asked: Asked[] = [];
  #revision = 0;

  constructor(
    private readonly client: PrimaryClient,
    private readonly primaryClock: RemoteClock,
    /** Receives the primary's position with each answer. */
    private readonly onAnswer: (position: Position) => void,
  ) {}

  /** The primary's last revision that an answer has contained. */
  get revision(): number {
    return this.#revision;
  }

  entry(namespace: string, key: string): Promise<RemoteEntry | undefined> {
    return this.#ask([QueryKind.Entry, namespace, key], entryOf);
  }

  /** As {@link entry}, plus a revision at which the entry was there. */
  observe(
    namespace: string,
    key: string,
  ): Promise<{ entry: RemoteEntry | undefined; seen: number }> {
    return this.#ask([QueryKind.Observe, namespace, key], (answer) => {
      const fields = fieldsOf(answer);
      const seen = fields.integer();
      return { seen, entry: entryOf(fields.any()) };
    });
  }

  /** Whether nothing has happened to the key, to the tags or to the whole namespace since a revision. */
  isCurrent(
    namespace: string,
    key: string,
    tags: readonly string[],
    seen: number,
  ): Promise<boolean> {
    const query = [QueryKind.IsCurrent, namespace, key, tags, seen];
    return this.#ask(query, (answer) => answer === true);
  }

  /** Live keys with a prefix, behind a key. */
  keys(namespace: string, prefix: string, after: string): Promise<Page<string>> {
    return this.#ask([QueryKind.Keys, namespace, prefix, after], (answer) =>
      pageOf(answer, (key) => new Fields([key]).key()),
    );
  }

  /** Live entries behind a key. */
  entries(namespace: string, after: string): Promise<Page<ListedValue>> {
    return this.#ask([QueryKind.Entries, namespace, after], (answer) =>
      pageOf(answer, (entry) => {
        const fields = fieldsOf(entry);
        return [fields.key(), fields.value(Infinity)];
      }),
    );
  }

  holders(lease: LeaseName): Promise<LeasesAnswer> {
    return this.#ask([QueryKind.Holders, ...leaseFields(lease)], leasesOf);
  }

  leases(): Promise<LeasesAnswer> {
    return this.#ask([QueryKind.Leases], leasesOf);
  }

  #ask<T>(query: readonly unknown[], read: (answer: unknown) => T): Promise<T> {
    if (!commandTracing.hasSubscribers) return this.#send(query, read);
    const [kind, namespace] = query;
    const isOfCache = kind !== QueryKind.Holders && typeof namespace === 'string';
    return commandTracing.promise(
      { kind: 'read', namespace: isOfCache ? namespace : undefined, target: 'primary' },
      () => this.#send(query, read),
    );
  }

  async #send<T>(query: readonly unknown[], read: (answer: unknown) => T): Promise<T> {
    const answer = await new Promise<unknown>((resolve, reject) => {
      if (this.#asked.length === 0) onNextTurn(this.#flush);
      this.#asked.push({ query, resolve, reject });
    });
    return readAnswer(() => read(answer));
  }

  readonly #flush = (): void => {
    const asked = this.#asked;
    this.#asked = [];
    for (let i = 0; i < asked.length; i += BATCH) void this.#exchange(asked.slice(i, i + BATCH));
  };

  async #exchange(asked: readonly Asked[]): Promise<void> {
    try {
      const request = pack([RequestKind.Queries, asked.map(({ query }) => query)]);
      const bytes = await this.client.exchange(request);
      const { position, now, answers } = readAnswer(() => {
        const fields = new Fields(unpackArray(bytes));
        const stands = positionOf(fields);
        return { position: stands, now: fields.number(), answers: fields.list() };
      });
      this.#revision = Math.max(this.#revision, position.revision);
      this.primaryClock.observe(now);
      this.onAnswer(position);
      for (const [i, { resolve }] of asked.entries()) resolve(answers[i] ?? null);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

function fieldsOf(answer: unknown): Fields {
  if (!Array.isArray(answer)) throw malformed('an answer');
  return new Fields(answer);
}

function pageOf<T>(answer: unknown, read: (item: unknown) => T): Page<T> {
  const fields = fieldsOf(answer);
  const items = fields.list().map(read);
  const next = fields.any() ?? undefined;
  if (next !== undefined && typeof next !== 'string') throw malformed('a next page');
  return { items, next };
}

function entryOf(answer: unknown): RemoteEntry | undefined {
  if (answer === null) return undefined;
  const fields = fieldsOf(answer);
  const value = fields.value(Infinity);
  return { value, ...fields.lifetime(), revision: fields.integer() };
}

function leasesOf(answer: unknown): LeasesAnswer {
  const isMeant =
    Array.isArray(answer) &&
    answer.every((lease: unknown) => typeof Object(lease).left === 'number');
  if (!isMeant) throw malformed('leases');
  return answer as LeasesAnswer;
}
