import { join } from 'node:path';
import ts from 'typescript';
import type { DocBlock } from './doc-blocks.js';
import { root } from './source-files.js';

/**
 * Type-checks each block as a module of its own, with the repository's tsconfig.json, in one program.
 * The blocks exist in memory only, at the repository's root.
 *
 * @returns one message for each error, with the place in the document
 */
export function typeErrors(blocks: readonly DocBlock[]): string[] {
  const options = compilerOptions();
  const virtual = new Map(
    blocks.map((block, index) => [join(root, `__doc-block-${index}.ts`), block]),
  );

  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => virtual.has(path) || disk.fileExists(path),
    readFile: (path) => virtual.get(path)?.text ?? disk.readFile(path),
    getSourceFile: (path, languageVersion, ...rest) => {
      const block = virtual.get(path);
      return block === undefined
        ? disk.getSourceFile(path, languageVersion, ...rest)
        : ts.createSourceFile(path, block.text, languageVersion, true);
    },
  };
  const program = ts.createProgram([...virtual.keys()], options, host);

  return [...virtual].flatMap(([path, block]) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (diagnostic) => message(block, diagnostic),
    );
  });
}

function compilerOptions(): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json');
  const { config, error } = ts.readConfigFile(path, (file) => ts.sys.readFile(file));
  if (error !== undefined)
    throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  return { ...ts.parseJsonConfigFileContent(config, ts.sys, root).options, noEmit: true };
}

function message(block: DocBlock, diagnostic: ts.Diagnostic): string {
  const line =
    diagnostic.file === undefined
      ? 0
      : diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line;
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
  return `${block.place} (line ${line + 1} of the block): ${text}`;
}
