import { runCommand } from '../../lib/cli/run-command.js';

/** What a command has printed, and how it ended. */
export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a command finds around it. */
export interface CommandSurroundings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** What a person types; without it nobody is there. */
  readonly answer?: string;
  /** Called with all that was printed so far. */
  readonly onOut?: (out: string) => void;
  readonly onErr?: (err: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs a command line in this process. */
export async function commandLine(
  args: readonly string[],
  around: CommandSurroundings = {},
): Promise<CommandEnd> {
  let out = '';
  let err = '';
  const code = await runCommand(args, {
    out: async (text) => {
      out += text;
      around.onOut?.(out);
    },
    err: (text) => {
      err += text;
      around.onErr?.(err);
    },
    isWatched: false,
    ask: async () => around.answer,
    async *stdin() {
      yield Buffer.from(around.stdin ?? '');
    },
    signal: around.signal ?? new AbortController().signal,
    environment: around.environment ?? {},
  });
  return { code, out, err };
}

/** What a listing with `--json` has printed. */
export function jsonLines(out: string): unknown[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}
