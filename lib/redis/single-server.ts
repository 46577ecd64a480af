import { Backoff } from '../common/backoff.js';
import { ClientLink } from './client-link.js';
import { Heartbeat } from './heartbeat.js';
import { enrol, probe, type ServerFacts } from './probe.js';
import { SCRIPTS } from './scripts.js';
import { ServerPlace } from './server-place.js';
import { FIRST_PAUSE_MS, LAST_PAUSE_MS, type Servers, type ServersParts } from './servers.js';
import type { Session } from './session.js';

/**
 * One server, or the master that Sentinels name.
 *
 * @internal
 */
export class SingleServer implements Servers {
  readonly link: ClientLink;
  readonly #place: ServerPlace;
  readonly #heartbeat: Heartbeat;
  #facts: ServerFacts | undefined;
  /** Of the server process of the last link that was open. */
  #runId: string | undefined;

  constructor(private readonly parts: ServersParts) {
    const { options, random, clock, report, hear } = parts;
    this.#place = new ServerPlace(options, random);
    this.link = new ClientLink({
      timeoutMs: options.timeout,
      backoff: new Backoff(random, FIRST_PAUSE_MS, LAST_PAUSE_MS),
      connect: () => this.#place.connect(),
      prepare: (session) => this.#prepare(session),
      onFailure: (error) => report(error, 'talking to the cache server'),
    });
    this.link.onState((state) => {
      if (state === 'open') this.#reportFailover();
    });
    this.#heartbeat = new Heartbeat({ link: this.link, clock, hear, report });
  }

  get address(): string | undefined {
    return this.#place.address;
  }

  get roundTripMs(): number | undefined {
    return this.#heartbeat.roundTripMs;
  }

  async start(isLazy: boolean): Promise<void> {
    try {
      await this.link.start(isLazy);
    } catch (error) {
      this.#place.close();
      throw error;
    }
    this.#place.watch(this.link);
    this.#heartbeat.start();
  }

  close(): void {
    this.#heartbeat.stop();
    this.#place.close();
    this.link.close();
  }

  async #prepare(session: Session): Promise<void> {
    const { keys, random, clock, options, onFacts, onEnrolled, hear } = this.parts;
    await this.#place.check(session);
    const facts = await probe(session, keys, { scripts: SCRIPTS });
    clock.restart(facts.now);
    this.#facts = facts;
    onFacts(facts);
    const { buckets } = options;
    onEnrolled(await enrol(session, keys, { random, buckets, byDefault: 1 }));
    hear(clock.coarseNow());
  }

  /** Notes a server process that is another one than before. What it has not learned from the former one is lost. */
  #reportFailover(): void {
    const former = this.#runId;
    this.#runId = this.#facts?.runId;
    if (former === undefined || this.#runId === former) return;
    this.parts.onFailover(this.address ?? '');
  }
}
