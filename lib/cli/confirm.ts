import { UsageError, type Call } from './command.js';

/**
 * Whether to do what cannot be undone: `--yes` or a person on a terminal decides.
 *
 * @throws UsageError where there is no terminal
 * @internal
 */
export async function isConfirmed(call: Call, question: string): Promise<boolean> {
  if (call.given['yes'] === true) return true;
  const answer = await call.terminal.ask(`${question} Type yes: `);
  if (answer === undefined)
    throw new UsageError(
      `${call.name} needs --yes where there is no terminal to ask on`,
      call.name,
    );
  if (answer.trim().toLowerCase() === 'yes') return true;
  call.terminal.err('Nothing was done.\n');
  return false;
}
