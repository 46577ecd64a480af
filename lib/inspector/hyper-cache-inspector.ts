import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  HyperCache,
  HYPERCACHE_NODE,
  systemClock,
  systemRandom,
  type Clock,
  type HyperCacheNode,
} from '../index.js';
import { EventLog } from './event-log.js';
import { FactoryLog } from './factory-log.js';
import { INSPECTOR_OPTIONS, type ResolvedInspectorOptions } from './inspector-options.js';
import { InspectorPages } from './inspector-pages.js';
import { InspectorPort } from './inspector-port.js';
import { JobLog } from './job-log.js';
import { LiveStreams } from './live-streams.js';
import { Sampler } from './sampler.js';
import { SampleHistory } from './samples.js';
import { INSPECTOR_CLOCK, type InspectorContext } from './inspector-context.js';

const TOKEN_BYTES = 32;

/**
 * The inspector of this node.
 *
 * @publicApi
 */
@Injectable()
export class HyperCacheInspector implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger('HyperCacheInspector');
  readonly #context: InspectorContext;
  readonly #streams: LiveStreams;
  readonly #pages: InspectorPages;
  #port: InspectorPort | undefined;
  /** @internal */
  readonly sampler: Sampler;

  /** @internal Nest creates it. */
  constructor(
    @Inject(HyperCache) cache: HyperCache,
    @Inject(HYPERCACHE_NODE) private readonly node: HyperCacheNode,
    @Inject(INSPECTOR_OPTIONS) private readonly options: ResolvedInspectorOptions,
    @Optional() @Inject(INSPECTOR_CLOCK) clock: Clock = systemClock,
  ) {
    const history = new SampleHistory();
    const events = new EventLog(cache, clock);
    const factories = new FactoryLog(cache);
    const jobs = new JobLog(cache, clock);
    this.#context = { cache, node, clock, options, history, events, factories, jobs };
    this.sampler = new Sampler(cache, clock, history);
    this.#streams = new LiveStreams(clock, (view, isWatched) =>
      view.onWatched?.(this.#context, isWatched),
    );
    this.#pages = new InspectorPages({
      context: this.#context,
      streams: this.#streams,
      token: systemRandom.hex(TOKEN_BYTES),
      onFailure: (error) => this.#logger.error(`A page has failed: ${whereOf(error)}`),
    });
  }

  /** The URL of the port of the option `listen`, path included; undefined without it. */
  get url(): string | undefined {
    return this.#port?.url;
  }

  /** Never rejects. @param depth how many segments the path has below that of the inspector @internal */
  answer(request: IncomingMessage, response: ServerResponse, depth: number): Promise<void> {
    return this.#pages.answer(request, response, depth);
  }

  /** @throws {HC_LISTEN_FAILED} @internal */
  async onApplicationBootstrap(): Promise<void> {
    const { listen, path } = this.options;
    if (listen !== undefined) {
      try {
        this.#port = await InspectorPort.open(this.#pages, { ...listen, path });
      } catch (error) {
        // The application does not start, and may never be closed.
        await this.node.close();
        throw error;
      }
      this.#logger.log(`The inspector listens on ${this.#port.url}`);
    }
    this.#context.events.start();
    this.#context.factories.start();
    this.#context.jobs.start();
    this.sampler.start();
  }

  /** Runs while the node is still open. Its server would wait for the streams. @internal */
  async beforeApplicationShutdown(): Promise<void> {
    this.sampler.close();
    this.#context.events.close();
    this.#context.factories.close();
    this.#context.jobs.close();
    this.#streams.close();
    await this.#port?.close();
  }
}

/** The place of the error, without its message, which may contain cached data. */
function whereOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...frames.slice(0, 8)].join('\n');
}
