import type { ServerResponse } from 'node:http';
import type { Clock } from '../index.js';
import { beginEvents } from './answer.js';
import type { View } from './views/view.js';

/** The time between two renderings, in ms. */
const TICK_MS = 2000;
/** The most streams, of all pages together. */
const MAX_STREAMS = 20;
/** The longest time of a stream. The browser then asks again, and the guards check it again. */
const MAX_STREAM_MS = 10 * 60_000;
/** The most bytes that wait for a browser which reads too slowly. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** A view that a stream follows. @internal */
export interface Followed {
  readonly view: View;
  /** Streams of one group receive the same bytes. */
  readonly group: string;
  /** Renders an event to send. Never rejects. */
  readonly render: () => Promise<string>;
}

interface Stream extends Followed {
  /** On a clock that never jumps, in ms. */
  readonly endsAt: number;
}

/** The streams of the pages that follow a view. Each view is rendered once every 2 seconds for all of them. @internal */
export class LiveStreams {
  readonly #streams = new Map<ServerResponse, Stream>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isRendering = false;

  constructor(
    private readonly clock: Clock,
    private readonly onWatched: (view: View, isWatched: boolean) => void,
  ) {}

  /** @returns false when there was no room; true also when the browser has disconnected */
  add(response: ServerResponse, followed: Followed): boolean {
    if (response.destroyed) return true;
    if (this.#isClosed || this.#streams.size >= MAX_STREAMS) return false;
    const isFirst = !this.#isWatched(followed.view);
    const endsAt = this.clock.monotonic() + MAX_STREAM_MS;
    this.#streams.set(response, { ...followed, endsAt });
    response.once('close', () => this.#remove(response, followed.view));
    beginEvents(response);
    if (isFirst) this.onWatched(followed.view, true);
    this.#timer ??= setInterval(() => void this.tick(), TICK_MS).unref();
    void followed.render().then((event) => this.#send(response, event, endsAt));
    return true;
  }

  /** Renders the followed views, and sends them. */
  async tick(): Promise<void> {
    if (this.#isRendering) return;
    this.#isRendering = true;
    try {
      const rendered = new Map<string, string>();
      for (const [response, { group, render, endsAt }] of Array.from(this.#streams)) {
        const event = rendered.get(group) ?? (await render());
        rendered.set(group, event);
        this.#send(response, event, endsAt);
      }
    } finally {
      this.#isRendering = false;
    }
  }

  /** Ends all streams, and lets no new one begin. */
  close(): void {
    this.#isClosed = true;
    for (const response of this.#streams.keys()) response.destroy();
  }

  #send(response: ServerResponse, event: string, endsAt: number): void {
    // A stream that has ended may take long to close. A write after the end would be an error of the process.
    if (response.writableEnded || response.destroyed) return;
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    else if (this.clock.monotonic() >= endsAt) response.end(event);
    else response.write(event);
  }

  #remove(response: ServerResponse, view: View): void {
    this.#streams.delete(response);
    if (!this.#isWatched(view)) this.onWatched(view, false);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #isWatched(view: View): boolean {
    return Array.from(this.#streams.values()).some((stream) => stream.view === view);
  }
}
