import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** What a channel of the process tells while `work` goes on. */
export async function heardOn(name: string, work: () => Promise<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  const heard = (message: unknown): void => void messages.push(message);
  subscribe(name, heard);
  try {
    await work();
  } finally {
    unsubscribe(name, heard);
  }
  return messages;
}
