const BUILT = 'better-sqlite3';

/** pnpm 9 accepts no file without packages. */
const NEW = `packages:
  - '.'

`;

/** The decision on better-sqlite3, which pnpm leaves open with a placeholder at first. */
const DECISION = /^([ \t]+["']?better-sqlite3["']?[ \t]*:[ \t]*)(.*)$/m;

/**
 * Lets better-sqlite3 run its install script, in the text of pnpm-workspace.yaml. pnpm 11 and newer read it nowhere else.
 *
 * @param source undefined where there is no such file
 * @returns undefined when the text has a form that only a person should change
 * @internal
 */
export function editWorkspace(source: string | undefined): string | undefined {
  if (source === undefined) return `${NEW}allowBuilds:\n  ${BUILT}: true\n`;
  const known = decisionOf(source);
  // An existing decision stays.
  if (known === 'true' || known === 'false') return source;
  if (known !== undefined) return source.replace(DECISION, '$1true');
  if (/^allowBuilds:[ \t]*$/m.test(source)) {
    return source.replace(/^allowBuilds:[ \t]*$/m, `allowBuilds:\n  ${BUILT}: true`);
  }
  if (/^["']?allowBuilds\b/m.test(source)) return undefined;
  return `${source.replace(/\n*$/, '\n')}\nallowBuilds:\n  ${BUILT}: true\n`;
}

/** What pnpm-workspace.yaml says of the install script of better-sqlite3. @internal */
export function decisionOf(source: string): string | undefined {
  return DECISION.exec(source)?.[2]?.trim();
}
