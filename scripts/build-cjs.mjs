// Makes dist/cjs of what `nest build` has checked and compiled: the same sources as CommonJS, and the same types, for tools that can
// require no ES module, such as Jest. Node itself takes the ES module either way, by the condition `module-sync` of
// package.json, so that there is one instance. The command line is no part of it.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'dist/cjs');

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const compilerOptions = {
  ...options,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  esModuleInterop: true,
  verbatimModuleSyntax: false,
};

const sources = readdirSync(join(root, 'lib'), { recursive: true }).filter(
  (path) => path.endsWith('.ts') && !path.startsWith('cli'),
);
for (const path of sources) {
  const name = path.replace(/\.ts$/, '');
  mkdirSync(dirname(join(target, path)), { recursive: true });
  const source = readFileSync(join(root, 'lib', path), 'utf8').replaceAll(
    'import.meta.url',
    '__filename',
  );
  const { outputText } = ts.transpileModule(source, { compilerOptions, fileName: path });
  writeFileSync(join(target, `${name}.js`), outputText);
  copyFileSync(join(root, 'dist', `${name}.d.ts`), join(target, `${name}.d.ts`));
}
writeFileSync(join(target, 'package.json'), '{ "type": "commonjs" }\n');
