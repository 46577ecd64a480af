import { setImmediate as onNextTurn } from 'node:timers';
import type { StoredValue } from '../../value/codec.js';
import type { LeaseName } from '../../engine/lease.js';
import { leaseFields } from '../wire/command-codec.js';
import {
  QueryKind,
  RequestKind,
  type EntriesAnswer,
  type EntryAnswer,
  type KeysAnswer,
  type LeasesAnswer,
  type ObservationAnswer,
} from '../wire/exchange.js';
import { Fields, unpackArray } from '../wire/fields.js';
import type { Position } from '../wire/position.js';
import type { PrimaryClient } from '../wire/primary-client.js';
import type { PrimaryClock } from './primary-clock.js';
import { pack } from '../wire/wire.js';

/** An entry as the primary has it. @internal */
export interface RemoteEntry {
  readonly value: StoredValue;
  readonly expiresAt: number;
  readonly revision: number;
}

interface Asked {
  readonly query: readonly unknown[];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Queries of one request. */
const BATCH = 500;

/**
 * Reads from the primary: the queries of one turn of the event loop travel in one request. Rejections are those of
 * the {@link PrimaryClient}.
 *
 * @internal
 */
export class RemoteReads {
  #asked: Asked[] = [];
  #revision = 0;

  constructor(
    private readonly client: PrimaryClient,
    private readonly primaryClock: PrimaryClock,
    /** Told where the primary stood when it answered. */
    private readonly onAnswer: (position: Position) => void,
  ) {}

  /** The primary's last revision that an answer has told. */
  get revision(): number {
    return this.#revision;
  }

  async entry(namespace: string, key: string): Promise<RemoteEntry | undefined> {
    return entryOf((await this.#ask([QueryKind.Entry, namespace, key])) as EntryAnswer);
  }

  /** As {@link entry}, with a revision at which it was there. */
  async observe(
    namespace: string,
    key: string,
  ): Promise<{ entry: RemoteEntry | undefined; seen: number }> {
    const answer = await this.#ask([QueryKind.Observe, namespace, key]);
    const [seen, entry] = answer as ObservationAnswer;
    return { entry: entryOf(entry), seen };
  }

  /** Whether nothing has happened to the key, to the tags or to the whole namespace since a revision. */
  async isCurrent(
    namespace: string,
    key: string,
    tags: readonly string[],
    seen: number,
  ): Promise<boolean> {
    return (await this.#ask([QueryKind.IsCurrent, namespace, key, tags, seen])) === true;
  }

  /** Live keys with a prefix from `from` on, and where the next page begins. */
  async keys(namespace: string, prefix: string, from: string): Promise<KeysAnswer> {
    return (await this.#ask([QueryKind.Keys, namespace, prefix, from])) as KeysAnswer;
  }

  /** Live entries behind a key, and the key that the next page follows. */
  async entries(namespace: string, after: string): Promise<EntriesAnswer> {
    return (await this.#ask([QueryKind.Entries, namespace, after])) as EntriesAnswer;
  }

  async holders(lease: LeaseName): Promise<LeasesAnswer> {
    return (await this.#ask([QueryKind.Holders, ...leaseFields(lease)])) as LeasesAnswer;
  }

  async leases(): Promise<LeasesAnswer> {
    return (await this.#ask([QueryKind.Leases])) as LeasesAnswer;
  }

  #ask(query: readonly unknown[]): Promise<unknown> {
    if (this.#asked.length === 0) onNextTurn(this.#send);
    return new Promise((resolve, reject) => this.#asked.push({ query, resolve, reject }));
  }

  readonly #send = (): void => {
    const asked = this.#asked;
    this.#asked = [];
    for (let i = 0; i < asked.length; i += BATCH) void this.#exchange(asked.slice(i, i + BATCH));
  };

  async #exchange(asked: readonly Asked[]): Promise<void> {
    try {
      const request = pack([RequestKind.Queries, asked.map(({ query }) => query)]);
      const message = unpackArray(await this.client.exchange(request));
      const fields = new Fields(message);
      const position = {
        historyId: fields.string(),
        epoch: fields.integer(),
        revision: fields.integer(),
      };
      this.#revision = Math.max(this.#revision, position.revision);
      this.primaryClock.observe(fields.number());
      this.onAnswer(position);
      const answers = fields.list();
      for (const [i, { resolve }] of asked.entries()) resolve(answers[i] ?? null);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

function entryOf(answer: EntryAnswer): RemoteEntry | undefined {
  if (answer === null) return undefined;
  const [value, expiresAt, revision] = answer;
  return { value, expiresAt, revision };
}
