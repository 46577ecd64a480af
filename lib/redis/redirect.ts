import { HyperCacheError } from '../common/errors.js';
import { messageOf } from './redis-error.js';
import type { Address } from './sentinel-options.js';

/**
 * Why a server of a cluster has not executed a command: the slot belongs to another master (`moved`), this one command must go to
 * another master (`ask`), or the keys of the slot are on their way (`again`).
 *
 * @internal
 */
export type Redirect =
  { readonly kind: 'moved' | 'ask'; readonly address: Address } | { readonly kind: 'again' };

/**
 * The redirect in the error of a command; undefined for any other error.
 *
 * @param from the server that has answered; a redirect may leave out its host
 * @internal
 */
export function redirectOf(error: unknown, from: Address): Redirect | undefined {
  const text = error instanceof HyperCacheError ? messageOf(error.cause) : '';
  if (text.startsWith('TRYAGAIN')) return { kind: 'again' };
  const [, kind, host, port] = /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  const address = { host: hostOf(host, from), port: Number(port) };
  return { kind: kind === 'ASK' ? 'ask' : 'moved', address };
}

/** A server that does not know its own host leaves it out, or says `?`. @internal */
export function hostOf(host: string | undefined, from: Address): string {
  return host === undefined || host === '' || host === '?' ? from.host : host;
}

/** The address of a name such as `'10.0.0.7:6379'`. @internal */
export function addressNamed(name: string): Address {
  const at = name.lastIndexOf(':');
  return { host: name.slice(0, at), port: Number(name.slice(at + 1)) };
}
