import type { ClusterNode } from './cluster-node.js';

const TICK_MS = 20;
/** One of this many requests is a write. */
const WRITES = 4;
const NOTES = 60;

/** Simulated visitors: they read notes on any node, and now and then write one, so that there is something to see. */
export class Traffic {
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;

  constructor(private readonly nodes: readonly ClusterNode[]) {}

  start(): void {
    this.#timer = setInterval(() => void this.#visit().catch(() => undefined), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #visit(): Promise<void> {
    const sent = this.#sent++;
    const node = this.nodes[sent % this.nodes.length];
    if (node === undefined) return;
    // Most visitors want the same few notes.
    const note = `visitors-${Math.floor(NOTES * Math.random() ** 3)}`;
    const answer = await fetch(
      `${node.url}/notes/${note}`,
      sent % WRITES === 0
        ? {
            method: 'PUT',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ text: `visit ${sent}` }),
          }
        : {},
    );
    await answer.arrayBuffer();
  }
}
