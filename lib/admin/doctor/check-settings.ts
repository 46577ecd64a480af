import { InvalidOptionsError } from '../../common/errors.js';
import { resolveOptions } from '../../node/resolve-options.js';
import { ok, problem, skipped, warning, type Finding, type Patient } from './finding.js';

/** A random secret hardly ever has fewer different characters. */
const FEWEST_CHARACTERS = 10;

/** Checks the environment as the node reads it. @internal */
export function checkSettings({ environment }: Patient): Finding[] {
  try {
    resolveOptions(undefined, environment);
    return [ok('settings', 'no HYPERCACHE_* variable is wrong')];
  } catch (error) {
    if (!(error instanceof InvalidOptionsError)) throw error;
    const isSecondary = environment['HYPERCACHE_SERVER_ROLE'] === 'secondary';
    return error.problems.map(({ option, value, instead }) =>
      // A setting that is missing here may be given in code, which the doctor does not read.
      value === 'missing' && !isSecondary
        ? skipped(`setting ${option}`, 'it is not in the environment')
        : problem(`setting ${option}`, `${option} is ${value}.`, capitalized(instead)),
    );
  }
}

/** @internal */
export function checkTokens({ environment }: Patient): Finding[] {
  const tokens = ['HYPERCACHE_API_TOKEN', 'HYPERCACHE_ADMIN_TOKEN'].flatMap((name) =>
    (environment[name] ?? '')
      .split(',')
      .map((token) => token.trim())
      .filter((token) => token !== '')
      .map((token) => ({ name, token })),
  );
  if (tokens.length === 0) return [skipped('tokens', 'none is in the environment')];
  const weak = tokens.find(({ token }) => new Set(token).size < FEWEST_CHARACTERS);
  if (weak === undefined) return [ok('tokens', `${tokens.length} that look random`)];
  return [
    warning(
      'tokens',
      `${weak.name} has few different characters: it does not look random.`,
      'Make one with `openssl rand -hex 32`, and rotate it: docs/operations.md.',
    ),
  ];
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
