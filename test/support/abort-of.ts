import { once } from 'node:events';

/** Resolves when the signal is aborted, which it may be already. */
export async function abortOf(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
