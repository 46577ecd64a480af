import type { ServerResponse } from 'node:http';
import type { Clock } from '../index.js';
import { beginEvents } from './answer.js';
import type { View } from './views/view.js';

/** From one rendering to the next, in ms. */
const TICK_MS = 2000;
/** Streams of all pages together. */
const MAX_STREAMS = 20;
/** Then the browser asks again, and by the guards. */
const MAX_STREAM_MS = 10 * 60_000;
/** Bytes that wait for a browser which reads too slowly. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** What a stream shows. @internal */
export interface Followed {
  readonly view: View;
  /** Those of one name get the same bytes. */
  readonly group: string;
  /** Never rejects: an event that is ready to be sent. */
  readonly render: () => Promise<string>;
}

interface Stream extends Followed {
  /** On a clock that never jumps, in ms. */
  readonly endsAt: number;
}

/** The pages that follow a view: each view is rendered once every 2 seconds, for all of them. @internal */
export class LiveStreams {
  readonly #streams = new Map<ServerResponse, Stream>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isRendering = false;

  constructor(
    private readonly clock: Clock,
    private readonly onWatched: (view: View, isWatched: boolean) => void,
  ) {}

  /** @returns whether there was room, or the browser has left */
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

  /** Renders what is followed, and sends it. */
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

  /** Ends all of them, and lets no new one begin. */
  close(): void {
    this.#isClosed = true;
    for (const response of this.#streams.keys()) response.destroy();
  }

  #send(response: ServerResponse, event: string, endsAt: number): void {
    // One that was ended may take long to leave; a write after the end would be an error of the process.
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
