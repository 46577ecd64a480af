import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './support/source-files.js';

const manifest: { exports: Record<string, unknown> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);

/** The sources of the entry points. */
const entries = Object.keys(manifest.exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => join(root, 'lib', name, 'index.ts'));

/** Each export, and each field of exported options, whose declaration has no sentence, as `path: name`. */
function withoutSentence(paths: readonly string[], host?: ts.CompilerHost): string[] {
  const program = ts.createProgram(
    paths,
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, noEmit: true, types: [] },
    host,
  );
  const checker = program.getTypeChecker();
  return paths.flatMap((path) => {
    const file = program.getSourceFile(path);
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${path} is no module.`);
    return checker
      .getExportsOfModule(module)
      .map((symbol) =>
        (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol),
      )
      .flatMap((symbol) => [symbol, ...optionsOf(symbol)])
      .filter((symbol) => {
        const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
        return !/^\S[^]*[.:]$/.test(text);
      })
      .map((symbol) => {
        const declared = symbol.declarations?.[0]?.getSourceFile().fileName ?? path;
        return `${relative(root, declared)}: ${symbol.name}`;
      });
  });
}

/** The fields of an interface of options that is declared here, without those that it inherits. */
function optionsOf(symbol: ts.Symbol): ts.Symbol[] {
  const isOptions =
    symbol.name.endsWith('Options') && (symbol.flags & ts.SymbolFlags.Interface) !== 0;
  const fields = isOptions ? [...(symbol.members?.values() ?? [])] : [];
  return fields.filter(({ flags }) => (flags & ts.SymbolFlags.TypeParameter) === 0);
}

describe('The public exports', () => {
  it('each have a sentence in their TSDoc', () => {
    expect(entries.length).toBeGreaterThan(5);
    expect(withoutSentence(entries)).toEqual([]);
  }, 120_000);

  it('would be found without one', () => {
    const path = join(root, '__public.ts');
    const text = [
      '/** A sentence. */ export const one = 1;',
      '/** @publicApi */ export const two = 2;',
      'export const three = 3;',
      '/** A sentence. */ export interface SomeOptions {',
      '  /** A sentence. */ four: 4;',
      '  five: 5;',
      '}',
    ].join('\n');
    const disk = ts.createCompilerHost({});
    const host: ts.CompilerHost = {
      ...disk,
      getSourceFile: (name, ...rest) =>
        name === path
          ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true)
          : disk.getSourceFile(name, ...rest),
    };

    expect(withoutSentence([path], host)).toEqual([
      '__public.ts: two',
      '__public.ts: three',
      '__public.ts: five',
    ]);
  }, 120_000);
});
