import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Where a command reads from and prints to. @internal */
export interface Terminal {
  /** Resolves when the reader has room for more. */
  out(text: string): Promise<void>;
  err(text: string): void;
  /** Whether a person sees what {@link err} prints. */
  readonly isWatched: boolean;
  /** Asks the person at the terminal; undefined without a terminal or an answer. */
  ask(question: string): Promise<string | undefined>;
  stdin(): AsyncIterable<Uint8Array>;
  /** Aborts when the user, or the reader of the output, needs no more. */
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The terminal of this process. @internal */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  // `hypercache keys | head` has read enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    ending.abort();
  });
  return {
    out: async (text) => {
      if (ending.signal.aborted || stdout.write(text)) return;
      await once(stdout, 'drain', { signal: ending.signal }).catch(() => undefined);
    },
    err: (text) => void stderr.write(text),
    isWatched: stderr.isTTY,
    ask: async (question) => {
      if (!stdin.isTTY || !stderr.isTTY) return undefined;
      const lines = createInterface({ input: stdin, output: stderr });
      try {
        return await lines.question(question, { signal: ending.signal }).catch(() => undefined);
      } finally {
        lines.close();
      }
    },
    stdin: () => stdin,
    signal: ending.signal,
    environment: process.env,
  };
}
