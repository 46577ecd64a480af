import { setTimeout as delay } from 'node:timers/promises';

export interface Answer {
  readonly route: string;
  readonly phase: string;
  readonly ms: number;
  readonly isError: boolean;
  readonly isStale: boolean;
}

const PRODUCTS = 5;
const PER_SECOND = 40;

/** Sends PER_SECOND requests a second, whether or not the earlier ones are answered; resolves when all of them are. */
export async function sendRequests(
  url: string,
  { route, phase, ms }: { readonly route: string; readonly phase: string; readonly ms: number },
): Promise<Answer[]> {
  const count = Math.ceil((ms / 1000) * PER_SECOND);
  const sent: Promise<Answer>[] = [];
  for (let i = 0; i < count; i++) {
    sent.push(ask(`${url}/${route}/${(i % PRODUCTS) + 1}`, route, phase));
    await delay(1000 / PER_SECOND);
  }
  return Promise.all(sent);
}

async function ask(url: string, route: string, phase: string): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(url);
  const body = (await response.json()) as { isStale?: boolean };
  const ms = performance.now() - began;
  return { route, phase, ms, isError: !response.ok, isStale: body.isStale === true };
}
