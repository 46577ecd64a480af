type Fields = Record<string, unknown>;

/** The package manager. It also decides which packages may run scripts. @internal */
export type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun';

const BUILT = 'better-sqlite3';

/** Versions by the major version of Nest. */
const PEERS: readonly (readonly [name: string, nest12: string, nest11: string])[] = [
  ['@nestjs/cache-manager', '^12.0.0', '^3.0.0'],
  ['cache-manager', '^7.2.0', '^7.2.0'],
  ['keyv', '^5.6.0', '^5.6.0'],
  [BUILT, '^12.8.0', '^12.8.0'],
];
const SECONDARY_PEERS: typeof PEERS = [
  ['@nestjs/axios', '^12.0.0', '^4.0.0'],
  ['axios', '^1.7.0', '^1.7.0'],
];

/** @internal */
export interface ManifestEdit {
  readonly text: string;
  /** Packages that were added. */
  readonly added: readonly string[];
}

/**
 * Adds the packages that the library needs, and lets better-sqlite3 run its install script. pnpm reads that permission
 * from another file.
 *
 * @throws SyntaxError when the source is no JSON
 * @internal
 */
export function editManifest(
  source: string,
  { manager, role, version }: { manager: Manager; role: string; version: string },
): ManifestEdit {
  const manifest = JSON.parse(source) as Fields;
  const dependencies = { ...Object(manifest['dependencies']) } as Fields;
  const known = { ...Object(manifest['devDependencies']), ...dependencies } as Fields;
  const isEleven = /^\D*11\b/.test(String(known['@nestjs/common'] ?? known['@nestjs/core'] ?? ''));
  const wanted = role === 'secondary' ? [...PEERS, ...SECONDARY_PEERS] : PEERS;
  const all = [['nestjs-hypercache', version, version] as const, ...wanted];
  const added = all.filter(([name]) => known[name] === undefined);
  const before = JSON.stringify(manifest);
  for (const [name, nest12, nest11] of added) dependencies[name] = isEleven ? nest11 : nest12;
  if (added.length > 0) {
    manifest['dependencies'] = Object.fromEntries(
      Object.entries(dependencies).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  }
  allowBuild(manifest, manager);
  const isSame = JSON.stringify(manifest) === before;
  const indentation = /^[ \t]+/m.exec(source)?.[0] ?? '  ';
  const text = isSame ? source : `${JSON.stringify(manifest, null, indentation)}\n`;
  return { text, added: added.map(([name]) => name) };
}

function allowBuild(manifest: Fields, manager: Manager): void {
  if (manager === 'npm') {
    const allowed = Object(manifest['allowScripts']) as Fields;
    // An existing decision stays.
    if (!(BUILT in allowed)) manifest['allowScripts'] = { ...allowed, [BUILT]: true };
  } else if (manager === 'bun') {
    manifest['trustedDependencies'] = withBuilt(manifest['trustedDependencies']);
  } else if (manager === 'yarn') {
    const meta = Object(manifest['dependenciesMeta']) as Fields;
    manifest['dependenciesMeta'] = { ...meta, [BUILT]: { ...Object(meta[BUILT]), built: true } };
  }
}

function withBuilt(list: unknown): unknown[] {
  const names = Array.isArray(list) ? (list as unknown[]) : [];
  return names.includes(BUILT) ? names : [...names, BUILT];
}
