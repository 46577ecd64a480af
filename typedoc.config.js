import { readFileSync } from 'node:fs';
import { OptionDefaults } from 'typedoc';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/**
 * The API reference in `docs/api`, a folder for each entry point of package.json.
 *
 * @type {import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions}
 */
export default {
  plugin: ['typedoc-plugin-markdown', './scripts/typedoc-throws.mjs'],
  tsconfig: 'tsconfig.json',
  entryPoints: Object.keys(exports)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => `lib/${name}/index.ts`),
  out: 'docs/api',
  router: 'member',
  readme: 'none',
  // What Error, Nest and Node bring along is in their own documents.
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  // A line number would change with each commit.
  disableSources: true,
  disableGit: true,
  modifierTags: [...OptionDefaults.modifierTags, '@publicApi'],
  excludeTags: ['@publicApi'],
  preservedTypeAnnotationTags: ['@throws'],
  // The types behind the exports are not exported themselves.
  validation: { notExported: false },
  useCodeBlocks: true,
};
