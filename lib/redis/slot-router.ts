import type { Clock } from '../common/clock.js';
import { HyperCacheError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import { ServerUnreachableError } from '../common/server-errors.js';
import type { ClusterMasters } from './cluster-masters.js';
import { keySlot, slotTag } from './key-slot.js';
import { redirectOf, type Redirect } from './redirect.js';
import type { Argument, Commands, Reply } from './redis-link.js';
import type { Script } from './script.js';
import { nameOf } from './sentinel-options.js';

/** Bounds of the pause before a command is sent again to a slot that is being moved, in ms. */
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 50;

/** Redirects of one command that are followed at once. After that, the masters disagree, and a pause is made. */
const MOST_AT_ONCE = 4;

/** @internal */
export interface SlotRouterParts {
  readonly masters: ClusterMasters;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a command may take, redirects included, in ms. */
  readonly timeoutMs: number;
}

/** A command that has no reply yet. */
interface Request {
  /** In the order of the calls. */
  readonly number: number;
  readonly slot: number;
  /** Monotonic ms. */
  readonly deadline: number;
  /** What must succeed before the command is sent. */
  readonly after: Promise<unknown> | undefined;
  readonly send: (to: Commands) => Promise<Reply>;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  redirects: number;
}

/** Where a slot is, and a key of it that never exists. */
interface Place {
  readonly slot: number;
  readonly absent: string;
}

/**
 * Sends each command to the master that serves the slot of its keys, and follows redirects. A command that a redirect delays
 * delays the later ones of its slot too, so the order of the calls stays.
 *
 * @internal
 */
export class SlotRouter implements Commands {
  readonly #places = new Map<string, Place>();
  /** Requests that were sent and have no reply, by slot. */
  readonly #sent = new Map<number, number>();
  /** Requests that wait, by slot, in their order. */
  readonly #lines = new Map<number, Request[]>();
  /** The slots whose first request is being sent again. */
  readonly #served = new Set<number>();
  #requests = 0;
  #redirects = 0;

  constructor(private readonly parts: SlotRouterParts) {}

  /** How many commands were redirected. */
  get redirects(): number {
    return this.#redirects;
  }

  /** The first argument of a command is its key. */
  call(args: readonly Argument[]): Promise<Reply> {
    const { slot } = this.#placeOf(String(args[1]));
    return this.#request(slot, (to) => to.call(args));
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    return this.runAfter(undefined, script, keys, args);
  }

  /**
   * As {@link run}, but nothing is sent before a promise is fulfilled. Later commands of the slot wait as well.
   *
   * A slot that is being moved runs scripts only if all their keys are in one place. Each script gets one more key, which never
   * exists. So no script runs there before the slot has arrived, and its other keys need not be declared.
   */
  runAfter(
    after: Promise<unknown> | undefined,
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<Reply> {
    const { slot, absent } = this.#placeOf(keys[0] ?? '');
    // The request itself rejects with its failure.
    after?.catch(() => undefined);
    return this.#request(slot, (to) => to.run(script, [...keys, absent], args), after);
  }

  #placeOf(key: string): Place {
    const tag = slotTag(key);
    let place = this.#places.get(tag);
    if (place === undefined) {
      place = { slot: keySlot(key), absent: `{${tag}}:~` };
      this.#places.set(tag, place);
    }
    return place;
  }

  #request(slot: number, send: Request['send'], after?: Promise<unknown>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const deadline = this.parts.clock.monotonic() + this.parts.timeoutMs;
      const number = this.#requests++;
      this.#enter({ number, slot, deadline, after, send, resolve, reject, redirects: 0 });
    });
  }

  #enter(request: Request): void {
    const { slot, after } = request;
    if (after === undefined && !this.#lines.has(slot)) this.#send(request);
    else {
      this.#join(request);
      this.#serveIfIdle(slot);
    }
  }

  #send(request: Request): void {
    const { slot } = request;
    const { masters } = this.parts;
    const master = masters.ownerOf(slot);
    if (master === undefined) {
      request.reject(unserved(slot));
      return;
    }
    this.#count(slot, 1);
    request.send(master.link).then(
      (reply) => {
        this.#count(slot, -1);
        this.#serveIfIdle(slot);
        return request.resolve(reply);
      },
      (error: unknown) => {
        this.#count(slot, -1);
        const redirect = redirectOf(error, master.address);
        if (redirect === undefined) request.reject(error);
        else {
          this.#note(request, redirect);
          this.#join(request);
        }
        this.#serveIfIdle(slot);
      },
    );
  }

  #count(slot: number, by: 1 | -1): void {
    const count = (this.#sent.get(slot) ?? 0) + by;
    if (count === 0) this.#sent.delete(slot);
    else this.#sent.set(slot, count);
  }

  #note(request: Request, redirect: Redirect): void {
    request.redirects++;
    this.#redirects++;
    if (redirect.kind === 'moved') this.parts.masters.move(request.slot, nameOf(redirect.address));
  }

  #join(request: Request): void {
    const line = this.#lines.get(request.slot) ?? [];
    this.#lines.set(request.slot, line);
    let at = line.length;
    while (at > 0 && (line[at - 1]?.number ?? 0) > request.number) at--;
    line.splice(at, 0, request);
  }

  /** Requests that are on their way may come back, and belong before those in the line. */
  #serveIfIdle(slot: number): void {
    if (this.#sent.has(slot) || !this.#lines.has(slot) || this.#served.has(slot)) return;
    this.#served.add(slot);
    void this.#serve(slot);
  }

  /** Sends the first request until it has a reply, and then all the others. Never rejects. */
  async #serve(slot: number): Promise<void> {
    const line = this.#lines.get(slot) ?? [];
    const [first] = line;
    if (first !== undefined) await this.#settle(first);
    line.shift();
    this.#served.delete(slot);
    this.#lines.delete(slot);
    for (const request of line) this.#enter(request);
  }

  async #settle(request: Request): Promise<void> {
    const { clock } = this.parts;
    let asked: string | undefined;
    try {
      await request.after;
      for (;;) {
        const left = request.deadline - clock.monotonic();
        if (left <= 0) {
          request.reject(new ServerUnreachableError(`slot ${request.slot} is being moved`));
          return;
        }
        const redirect = await this.#attempt(request, asked, left);
        if (redirect === undefined) return;
        this.#note(request, redirect);
        asked = redirect.kind === 'ask' ? nameOf(redirect.address) : undefined;
        if (redirect.kind === 'again' || request.redirects > MOST_AT_ONCE) await this.#pause(left);
      }
    } catch (error) {
      request.reject(error);
    }
  }

  /** Returns a redirect if the request has no reply yet. @param asked the master to ask this once */
  async #attempt(
    request: Request,
    asked: string | undefined,
    left: number,
  ): Promise<Redirect | undefined> {
    const { masters } = this.parts;
    const name = asked ?? masters.nameOf(request.slot);
    if (name === undefined) throw unserved(request.slot);
    const { link, address } = await masters.opened(name, left);
    try {
      // The two must be neighbors on their connection.
      const asking = asked === undefined ? undefined : link.call(['ASKING']);
      const reply = request.send(link);
      await asking?.catch(() => undefined);
      request.resolve(await reply);
      return undefined;
    } catch (error) {
      const redirect = redirectOf(error, address);
      if (redirect === undefined) throw error;
      return redirect;
    }
  }

  #pause(left: number): Promise<void> {
    const share = Number.parseInt(this.parts.random.hex(4), 16) / 2 ** 32;
    const ms = FIRST_PAUSE_MS + share * (LAST_PAUSE_MS - FIRST_PAUSE_MS);
    return new Promise((resolve) => {
      setTimeout(resolve, Math.min(ms, left));
    });
  }
}

function unserved(slot: number): HyperCacheError {
  return new ServerUnreachableError(`no master of the cluster serves slot ${slot}`);
}
