import { Backoff } from '../common/backoff.js';
import { DependencyMissingError, HyperCacheError, StorageFailedError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import { ServerUnfitError, ServerUnreachableError } from '../common/server-errors.js';
import { ClientLink } from './client-link.js';
import { openSentinel } from './open-client.js';
import { nameOf, type Address, type ResolvedSentinelOptions } from './sentinel-options.js';

/** Pauses between attempts to connect to a Sentinel, in ms. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1000;

/** @internal */
export interface SentinelsParts {
  readonly options: ResolvedSentinelOptions;
  readonly random: Random;
  /** For each answer. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** What a Sentinel has answered, or why it has not. */
type Answer = Address | 'unknown' | HyperCacheError;

/**
 * The Sentinels of a master. Each has a connection of its own, which is kept.
 *
 * @internal
 */
export class Sentinels {
  readonly #links = new Map<Address, Promise<ClientLink>>();
  readonly #failures = new Map<Address, HyperCacheError>();
  readonly #opened = new Set<ClientLink>();

  constructor(private readonly parts: SentinelsParts) {}

  /**
   * The address that a majority of all Sentinels names. Resolves as soon as there is one: a Sentinel that hangs delays nothing.
   *
   * @throws {HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING}
   */
  master(): Promise<Address> {
    const { nodes } = this.parts.options;
    const majority = Math.floor(nodes.length / 2) + 1;
    const votes = new Map<string, number>();
    const answers = new Map<Address, Answer>();
    return new Promise((resolve, reject) => {
      const count = (node: Address, answer: Answer): void => {
        answers.set(node, answer);
        if (isAddress(answer)) {
          const sum = (votes.get(nameOf(answer)) ?? 0) + 1;
          votes.set(nameOf(answer), sum);
          if (sum >= majority) resolve(answer);
        }
        if (answers.size === nodes.length) reject(this.#undecided(answers, majority));
      };
      for (const node of nodes) {
        this.#ask(node).then(
          (answer) => count(node, answer),
          (error: unknown) => count(node, this.#reasonOf(node, error)),
        );
      }
    });
  }

  /** Idempotent. */
  close(): void {
    for (const link of this.#opened) link.close();
    this.#opened.clear();
  }

  async #ask(node: Address): Promise<Answer> {
    const link = await this.#linkTo(node);
    const { name } = this.parts.options;
    const reply = await link.call(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
    if (!Array.isArray(reply)) return 'unknown';
    return { host: String(reply[0]), port: Number(String(reply[1])) };
  }

  #linkTo(node: Address): Promise<ClientLink> {
    const known = this.#links.get(node);
    if (known !== undefined) return known;
    const { options, random, timeoutMs, connectTimeoutMs } = this.parts;
    const link = new ClientLink({
      timeoutMs,
      backoff: new Backoff(random, FIRST_PAUSE_MS, LAST_PAUSE_MS),
      connect: () => openSentinel(options, node, connectTimeoutMs),
      prepare: async () => undefined,
      onFailure: (error) => this.#failures.set(node, error),
    });
    this.#opened.add(link);
    const starting = link.start(true).then(
      () => link,
      (error: unknown) => {
        this.#opened.delete(link);
        this.#links.delete(node);
        throw error;
      },
    );
    this.#links.set(node, starting);
    return starting;
  }

  /** A connection that is lost says so, and not why. */
  #reasonOf(node: Address, error: unknown): HyperCacheError {
    const last = error instanceof ServerUnreachableError ? this.#failures.get(node) : undefined;
    return last ?? (error instanceof HyperCacheError ? error : new StorageFailedError(error));
  }

  #undecided(answers: ReadonlyMap<Address, Answer>, majority: number): HyperCacheError {
    const { name, nodes } = this.parts.options;
    const given = Array.from(answers);
    const missing = given.find(([, answer]) => answer instanceof DependencyMissingError)?.[1];
    if (missing instanceof HyperCacheError) return missing;
    const unfit = given.flatMap(([node, answer]) => {
      const sentence = unfitness(answer, name);
      return sentence === undefined ? [] : [`The Sentinel ${nameOf(node)}: ${sentence}`];
    });
    // The others alone are no majority, whatever they answer later.
    if (nodes.length - unfit.length < majority) return new ServerUnfitError(unfit);
    const said = given.map(([node, answer]) => `${nameOf(node)} ${saidBy(answer)}`).join(', ');
    return new ServerUnreachableError(
      `no majority of the Sentinels names one address for ${JSON.stringify(name)} (${said})`,
    );
  }
}

function isAddress(answer: Answer): answer is Address {
  return typeof answer === 'object' && !(answer instanceof HyperCacheError);
}

/** What must be changed before a Sentinel can decide anything. */
function unfitness(answer: Answer, name: string): string | undefined {
  if (answer === 'unknown') {
    return `It knows no master of the name ${JSON.stringify(name)}: give sentinel.name the first word after its line "sentinel monitor".`;
  }
  if (answer instanceof ServerUnfitError) return answer.problems.join(' ');
  if (answer instanceof StorageFailedError) return `It is no Sentinel: ${answer.message}`;
  return undefined;
}

function saidBy(answer: Answer): string {
  if (isAddress(answer)) return `names ${nameOf(answer)}`;
  return answer === 'unknown' ? 'knows none' : 'has not answered';
}
