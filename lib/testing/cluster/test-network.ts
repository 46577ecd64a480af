import { FaultyClient } from './faulty-client.js';
import type { Peer } from './peer.js';

/** A connection, with the nodes at its two ends. */
interface Link {
  readonly from: number;
  readonly to: () => number;
  readonly client: FaultyClient;
}

/** @internal */
export interface LinkParts {
  /** The node that it belongs to. */
  readonly from: number;
  /** The node that it leads to now. */
  readonly to: () => number;
  readonly url: string;
  readonly timeoutMs: number;
}

/**
 * The network between the nodes of a test.
 *
 * @internal
 */
export class TestNetwork {
  readonly #links = new Set<Link>();
  readonly #cutOff = new Set<number>();
  readonly #dead = new Set<number>();
  readonly #delays = new Map<number, number>();

  /** @param peerOf returns the node with a number; undefined while it does not run */
  constructor(private readonly peerOf: (index: number) => Peer | undefined) {}

  connect({ from, to, url, timeoutMs }: LinkParts): FaultyClient {
    const client = new FaultyClient({
      url,
      timeoutMs,
      peer: () => (this.isOpen(from, to()) ? this.peerOf(to()) : undefined),
      delay: () => (this.#delays.get(from) ?? 0) + (this.#delays.get(to()) ?? 0),
    });
    this.#links.add({ from, to, client });
    return client;
  }

  isOpen(from: number, to: number): boolean {
    return ![this.#cutOff, this.#dead].some((set) => set.has(from) || set.has(to));
  }

  /** Lets nothing reach or leave this node, and ends what is open. */
  cutOff(index: number): void {
    this.#cutOff.add(index);
    this.#resetAllOf(index);
  }

  /** As {@link cutOff}, until the node is revived. */
  kill(index: number): void {
    this.#dead.add(index);
    this.#resetAllOf(index);
  }

  revive(index: number): void {
    this.#dead.delete(index);
  }

  delay(index: number, ms: number): void {
    this.#delays.set(index, ms);
  }

  heal(): void {
    this.#cutOff.clear();
    this.#delays.clear();
  }

  /** Ends the open streams between these nodes. */
  reset(isMeant: (from: number, to: number) => boolean): void {
    for (const { from, to, client } of this.#links) if (isMeant(from, to())) client.cut();
  }

  #resetAllOf(index: number): void {
    this.reset((from, to) => from === index || to === index);
  }

  /** Called when the node has ended: its connections are not used again. */
  forget(index: number): void {
    for (const link of this.#links) if (link.from === index) this.#links.delete(link);
  }
}
