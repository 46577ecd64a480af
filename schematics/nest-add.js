// What `nest add nestjs-hypercache` runs: the engine of schematics requires it.
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { planInstall } = require('../dist/cjs/admin/install/plan-install.js');
const { version } = require('../package.json');

/** The application's own compiler; undefined where it has none. */
function compilerOf(directory) {
  try {
    return createRequire(join(directory, 'package.json'))('typescript');
  } catch {
    return undefined;
  }
}

/** In the form that the engine wants a task in, whichever copy of it runs. */
function installTask(packageManager) {
  const options = { command: 'install', quiet: true, workingDirectory: '.', packageManager };
  return { toConfiguration: () => ({ name: 'node-package', options }) };
}

exports.nestAdd = (options) => (tree, context) => {
  const files = {
    read: (path) => {
      const content = tree.exists(path) ? tree.read(path) : null;
      return content === null ? undefined : content.toString('utf8');
    },
  };
  const request = {
    sourceRoot: options.sourceRoot || undefined,
    module: options.module,
    role: options.role || 'primary',
    version: `^${version}`,
  };
  const plan = planInstall(files, request, compilerOf(process.cwd()));
  for (const { path, text, isNew } of plan.changes) {
    if (isNew) tree.create(path, text);
    else tree.overwrite(path, text);
  }
  for (const note of plan.notes) context.logger.warn(note);
  if (plan.mustInstall && options.skipInstall !== true) context.addTask(installTask(plan.manager));
  return tree;
};
