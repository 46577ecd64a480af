import type { Random } from '../common/random.js';
import { ServerUnreachableError } from '../common/server-errors.js';
import type { ClientLink } from './client-link.js';
import { openClient } from './open-client.js';
import type { ResolvedRedisOptions } from './redis-options.js';
import { nameOf, type Address } from './sentinel-options.js';
import { Sentinels } from './sentinels.js';
import type { RedisClient, Session } from './session.js';

/** The pause between two questions to the Sentinels, in ms. */
const INTERVAL_MS = 250;

const DEFAULT_PORT = 6379;

/**
 * Where the server is: at a url, or where the Sentinels say. They are asked before each connection, and again and again while
 * one is open.
 *
 * @internal
 */
export class ServerPlace {
  readonly #sentinels: Sentinels | undefined;
  #address: Address | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: ResolvedRedisOptions,
    random: Random,
  ) {
    const { sentinel, timeout: timeoutMs, connectTimeout: connectTimeoutMs, url } = options;
    if (sentinel !== undefined) {
      this.#sentinels = new Sentinels({ options: sentinel, random, timeoutMs, connectTimeoutMs });
    } else if (url !== undefined) {
      const { hostname: host, port } = new URL(url);
      this.#address = { host, port: Number(port) || DEFAULT_PORT };
    }
  }

  /** Where the last connection leads, such as `'10.0.0.7:6379'`. */
  get address(): string | undefined {
    return this.#address && nameOf(this.#address);
  }

  /** @throws {HC_SERVER_UNREACHABLE | HC_SERVER_UNFIT | HC_DEPENDENCY_MISSING} */
  async connect(): Promise<RedisClient> {
    if (this.#sentinels === undefined) return openClient(this.options);
    this.#address = await this.#sentinels.master();
    return openClient(this.options, this.#address);
  }

  /**
   * Refuses a server that the Sentinels name and that is no master: not yet, or no longer.
   *
   * @throws {HC_SERVER_UNREACHABLE}
   */
  async check(session: Session): Promise<void> {
    if (this.#sentinels === undefined) return;
    const role = await session.call(['ROLE']);
    if (Array.isArray(role) && String(role[0]) === 'master') return;
    throw new ServerUnreachableError(`the Sentinels name ${this.address}, which is no master`);
  }

  /** Drops the link when the Sentinels name another address, or when no majority of them has named one for `staleBound`. */
  watch(link: ClientLink): void {
    const sentinels = this.#sentinels;
    if (sentinels === undefined) return;
    let isAsking = false;
    // Counted in questions and not in time: a process that was busy itself must not blame the Sentinels.
    let unanswered = 0;
    link.onState(() => {
      unanswered = 0;
    });
    const ask = async (): Promise<void> => {
      const { session } = link;
      const named = nameOf(await sentinels.master());
      if (session !== link.session || link.state !== 'open') return;
      unanswered = 0;
      if (named !== this.address) link.drop(`the Sentinels name another master, ${named}`);
    };
    this.#timer = setInterval(() => {
      if (link.state !== 'open') return;
      const { staleBound } = this.options;
      if (unanswered++ * INTERVAL_MS >= staleBound) {
        link.drop(`no majority of the Sentinels has named a master for ${staleBound} ms`);
      }
      if (isAsking) return;
      isAsking = true;
      ask()
        // A question that fails is one that is not answered.
        .catch(() => undefined)
        .finally(() => {
          isAsking = false;
        });
    }, INTERVAL_MS).unref();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#sentinels?.close();
  }
}
