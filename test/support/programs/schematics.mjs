// Runs schematics as the Nest CLI does, on files in memory: one run for each request of its standard input, in turn.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const require = createRequire(import.meta.url);
const { HostTree } = require('@angular-devkit/schematics');
const {
  SchematicTestRunner,
  UnitTestTree,
} = require('@angular-devkit/schematics/testing/index.js');

const answers = [];
for (const { collection, schematic, options, files } of JSON.parse(await text(process.stdin))) {
  const runner = new SchematicTestRunner('tested', require.resolve(collection));
  const tree = new UnitTestTree(new HostTree());
  for (const [path, content] of Object.entries(files)) tree.create(path, content);
  const made = await runner.runSchematic(schematic, options, tree);
  const entries = made.files.map((path) => [path.slice(1), made.readContent(path)]);
  answers.push({ files: Object.fromEntries(entries), tasks: runner.tasks });
}
process.stdout.write(JSON.stringify(answers));
