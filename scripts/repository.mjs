// The address of the repository is given in one place, and three fields of package.json follow from it.
//   node scripts/repository.mjs https://github.com/OWNER/nestjs-hypercache   writes them
//   node scripts/repository.mjs --check                                      fails unless they are there and agree; runs before a publish
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package.json', import.meta.url);
const manifest = JSON.parse(readFileSync(path, 'utf8'));
const [given = '--check'] = process.argv.slice(2);

/** What npm shows, from the address of the repository. */
function fieldsOf(url) {
  const address = url.replace(/\.git$/, '').replace(/\/+$/, '');
  return {
    repository: { type: 'git', url: `git+${address}.git` },
    homepage: `${address}#readme`,
    bugs: { url: `${address}/issues` },
  };
}

if (given === '--check') {
  const url = manifest.repository?.url?.replace(/^git\+/, '') ?? '';
  const wanted = url === '' ? undefined : fieldsOf(url);
  const isFine =
    wanted !== undefined &&
    Object.entries(wanted).every(
      ([name, value]) => JSON.stringify(manifest[name]) === JSON.stringify(value),
    );
  if (!isFine) {
    console.error(
      'package.json does not say where the repository is. Run: node scripts/repository.mjs https://github.com/OWNER/nestjs-hypercache',
    );
    process.exitCode = 1;
  }
} else if (!/^https:\/\/[^/]+\/.+/.test(given)) {
  console.error(
    `${given} is no address of a repository: write it as https://github.com/OWNER/nestjs-hypercache`,
  );
  process.exitCode = 1;
} else {
  const entries = Object.entries(manifest).flatMap(([name, value]) =>
    name === 'license' ? [[name, value], ...Object.entries(fieldsOf(given))] : [[name, value]],
  );
  writeFileSync(
    path,
    `${JSON.stringify(Object.fromEntries([...entries, ...Object.entries(fieldsOf(given))]), null, 2)}\n`,
  );
  console.log('package.json has repository, homepage and bugs.');
}
