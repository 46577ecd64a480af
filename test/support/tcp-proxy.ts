import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { seededRandom } from '../../sample/01-single-node/src/replay/seeded-random.js';
import { RequestReader } from './request-reader.js';

/** What a network does to those who use it. */
export type NetworkFault =
  /** Nothing listens any more, and what was open is reset. */
  | { readonly kind: 'away' }
  /** What is open is reset, and so is every new connection once it is made. */
  | { readonly kind: 'cut' }
  /** Every piece comes so much later, in ms, and up to as much again. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Each connection has a delay of its own, up to so many ms, so that one overtakes the other. */
  | { readonly kind: 'uneven'; readonly mostMs: number }
  /** Connections stay, and are made, and nothing comes through them any more. */
  | { readonly kind: 'halfOpen' }
  /** The same in one direction only: what goes `to` the other side still arrives. */
  | { readonly kind: 'oneWay'; readonly to: 'primary' | 'secondary' }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Every piece comes in smaller ones of up to so many bytes, one after the other. */
  | { readonly kind: 'split'; readonly mostBytes: number }
  /** Requests with a body come twice, the second time at once or when others have followed; its answer is dropped. */
  | { readonly kind: 'duplicate'; readonly share: number }
  /** Pieces of a request or an answer end somewhere in the middle, with a reset. */
  | { readonly kind: 'killInside'; readonly share: number };

type Direction = 'primary' | 'secondary';

/** Where duplicates of requests wait for others to pass. */
const MOST_LATE = 20;

/** A network between secondaries and their primary that fails as a test says; the same seed fails the same way. */
export class TcpProxy {
  #fault: NetworkFault | undefined;
  #server: Server | undefined;
  readonly #links = new Set<Link>();
  readonly #repeating = new Set<Socket>();
  readonly random: () => number;
  #port = 0;
  #duplicates = 0;
  #late: { readonly request: Buffer; after: number }[] = [];

  private constructor(
    private target: number,
    seed: number,
  ) {
    this.random = seededRandom(seed);
  }

  /** @param target the primary's port on this machine */
  static async open(target: number, seed: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, seed);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get fault(): NetworkFault | undefined {
    return this.#fault;
  }

  /** Pieces that have come from the primary. */
  answered = 0;

  /** Requests that were sent a second time. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** From here on; what was swallowed before stays lost, and its connection with it. */
  async begin(fault: NetworkFault): Promise<void> {
    await this.heal();
    this.#fault = fault;
    if (fault.kind === 'away') await this.#unlisten();
    if (fault.kind === 'away' || fault.kind === 'cut') this.#reset();
  }

  /** The name leads to another machine from here on; what is open stays where it is. @param target as of {@link open} */
  redirect(target: number): void {
    this.target = target;
  }

  async heal(): Promise<void> {
    this.#fault = undefined;
    for (const link of this.#links) link.flush();
    for (const { request } of this.#late.splice(0)) this.#send(request);
    if (this.#server === undefined) await this.#listen();
  }

  async close(): Promise<void> {
    this.#fault = { kind: 'cut' };
    this.#late = [];
    this.#reset();
    for (const socket of this.#repeating) socket.destroy();
    await this.#unlisten();
  }

  async #listen(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket)).listen(this.#port, '127.0.0.1');
    this.#server = server;
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    this.#reset();
    await closed;
  }

  #reset(): void {
    for (const link of this.#links) link.reset();
  }

  #accept(socket: Socket): void {
    if (this.#fault?.kind === 'cut') {
      socket.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const link = new Link(
      this,
      socket,
      createConnection({ port: this.target, host: '127.0.0.1', noDelay: true }),
      (request) => this.#pass(request),
    );
    this.#links.add(link);
    socket.once('close', () => this.#links.delete(link));
  }

  /** A request has gone by; those that were held back so long come after it. */
  #pass(request: Buffer): void {
    for (const late of this.#late) late.after--;
    const due = this.#late.filter(({ after }) => after <= 0);
    this.#late = this.#late.filter(({ after }) => after > 0);
    for (const late of due) this.#send(late.request);
    if (this.#fault?.kind !== 'duplicate' || this.random() >= this.#fault.share) return;
    const after = Math.floor(this.random() * MOST_LATE);
    if (after === 0) this.#send(request);
    else this.#late.push({ request, after });
  }

  #send(request: Buffer): void {
    this.#duplicates++;
    const socket = createConnection({ port: this.target, host: '127.0.0.1' });
    this.#repeating.add(socket);
    socket.on('error', () => undefined).on('data', () => socket.destroy());
    socket.on('close', () => this.#repeating.delete(socket));
    socket.write(request);
  }
}

/** Two connections, and what goes between them. */
class Link {
  /** Directions in which something was lost: nothing may follow. */
  readonly #dead = new Set<Direction>();
  readonly #requests: RequestReader;
  /** What is on its way in each direction, and when the last of it arrives. */
  readonly #underway: Record<Direction, (() => void)[]> = { primary: [], secondary: [] };
  readonly #lastAt: Record<Direction, number> = { primary: 0, secondary: 0 };
  #ownDelay: number | undefined;

  constructor(
    private readonly proxy: TcpProxy,
    private readonly near: Socket,
    private readonly far: Socket,
    onRequest: (request: Buffer) => void,
  ) {
    this.#requests = new RequestReader(onRequest);
    near.setNoDelay(true);
    for (const [from, to, direction] of [
      [near, far, 'primary'],
      [far, near, 'secondary'],
    ] as const) {
      from.on('data', (piece: Buffer) => this.#pass(piece, to, direction));
      from.on('error', () => undefined);
      from.on('end', () => this.#later(direction, 0, () => to.end()));
      from.on('close', () => this.#later(direction, 0, () => to.destroy()));
    }
  }

  reset(): void {
    this.near.resetAndDestroy();
    this.far.resetAndDestroy();
  }

  #pass(piece: Buffer, to: Socket, direction: Direction): void {
    const { fault, random } = this.proxy;
    if (this.#isSwallowed(direction)) this.#dead.add(direction);
    if (this.#dead.has(direction)) return;
    if (fault?.kind === 'killInside' && random() < fault.share) {
      this.#dead.add('primary').add('secondary');
      to.write(piece.subarray(0, Math.floor(random() * piece.length)), () => this.reset());
      return;
    }
    for (const part of this.#partsOf(piece)) {
      this.#later(direction, part.length, () => to.write(part));
    }
    if (direction === 'primary') this.#requests.push(piece);
    else this.proxy.answered++;
  }

  #partsOf(piece: Buffer): readonly Buffer[] {
    const { fault, random } = this.proxy;
    if (fault?.kind !== 'split') return [piece];
    const parts: Buffer[] = [];
    for (let at = 0; at < piece.length;) {
      const end = at + 1 + Math.floor(random() * fault.mostBytes);
      parts.push(piece.subarray(at, end));
      at = end;
    }
    return parts;
  }

  #isSwallowed(direction: Direction): boolean {
    const { fault } = this.proxy;
    if (fault?.kind === 'halfOpen') return true;
    return fault?.kind === 'oneWay' && fault.to !== direction;
  }

  /** What is on its way arrives now. */
  flush(): void {
    for (const direction of ['primary', 'secondary'] as const) {
      for (const act of this.#underway[direction].splice(0)) act();
      this.#lastAt[direction] = 0;
    }
  }

  /** In the order of the calls, each when the network has come to it. */
  #later(direction: Direction, bytes: number, act: () => void): void {
    const now = performance.now();
    const at = Math.max(this.#lastAt[direction], now) + this.#delayOf(bytes);
    const underway = this.#underway[direction];
    if (at <= now && underway.length === 0) {
      act();
      return;
    }
    this.#lastAt[direction] = this.proxy.fault?.kind === 'throttle' ? at : 0;
    underway.push(act);
    // Each timer lets the oldest through: whoever is faster than those before him waits for them.
    setTimeout(() => underway.shift()?.(), at - now).unref();
  }

  #delayOf(bytes: number): number {
    const { fault, random } = this.proxy;
    switch (fault?.kind) {
      case 'throttle':
        return (bytes / fault.bytesPerSecond) * 1000;
      case 'delay':
        return fault.ms * (1 + random());
      case 'split':
        return 1;
      case 'uneven':
        return (this.#ownDelay ??= fault.mostMs * random());
      default:
        return 0;
    }
  }
}
