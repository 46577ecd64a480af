// Checks the packed library as its users' tools see it: publint, the types in each way of resolving them, npm audit.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment, inTemporaryDirectory, pack, root, run } from './tarball.mjs';

const TOOLS = { publint: '^0.3.25', '@arethetypeswrong/cli': '^0.18.5' };

await inTemporaryDirectory((work) => {
  writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, dependencies: TOOLS }));
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd: work,
  });
  const tarball = join(work, pack(work));
  const tool = (name, ...args) =>
    run(process.execPath, [join(work, 'node_modules', name), ...args], {
      cwd: work,
      env: cleanEnvironment(),
    });
  tool('publint/src/cli.js', 'run', '--strict', tarball);
  tool('@arethetypeswrong/cli/dist/index.js', '--', tarball);
  audit();
  console.log('package: PASS');
});

/** What an application installs with the library; a registry without an audit endpoint is no finding. */
function audit() {
  const { metadata, message } = JSON.parse(auditReport());
  if (metadata === undefined) {
    console.log(`package: npm audit cannot run here: ${message}`);
    return;
  }
  const { total } = metadata.vulnerabilities;
  if (total > 0) throw new Error(`npm audit --omit=dev knows of ${total} vulnerabilities.`);
  console.log('package: npm audit knows of no vulnerability');
}

function auditReport() {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  try {
    return execFileSync('npm', ['audit', '--omit=dev', '--json'], options);
  } catch (error) {
    // It ends with 1 when it has found something, too.
    return error.stdout;
  }
}
