import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import ts from 'typescript';
import { editModule } from '../../lib/admin/install/edit-module.js';
import { planInstall } from '../../lib/admin/install/plan-install.js';
import { root } from '../architecture/support/source-files.js';
import { commandLine } from '../support/command-line.js';
import { useTemporaryDirectories } from '../support/temporary-directory.js';

/** What a schematic has made of files. */
interface Made {
  readonly files: Record<string, string>;
  readonly tasks: readonly object[];
}

/** In a process of its own: Jest does not load what the engine of schematics is made of. */
async function schematic(
  collection: string,
  name: string,
  options: object,
  files: Readonly<Record<string, string>> = {},
): Promise<Made> {
  const program = join(root, 'test/support/programs/schematics.mjs');
  const child = execFile(process.execPath, [program], { maxBuffer: 1e8 });
  child.stdin?.end(JSON.stringify([{ collection, schematic: name, options, files }]));
  const [out = '', err] = await Promise.all(
    [child.stdout, child.stderr].map((stream) => textOf(stream as Readable)),
  );
  if (out === '') throw new Error(err);
  const [made] = JSON.parse(out) as [Made];
  return made;
}

const COLLECTION = join(root, 'schematics/collection.json');

const FILES = ['package.json', 'nest-cli.json', 'src/main.ts', 'src/app.module.ts'];

/** As the generator of Nest 11 writes it. */
const NEST_11: Record<string, string> = {
  'package.json': `${JSON.stringify({ name: 'app', dependencies: { '@nestjs/common': '^11.0.1', '@nestjs/core': '^11.0.1', rxjs: '^7.8.1' }, devDependencies: { typescript: '^5.7.3' } }, null, 2)}\n`,
  'nest-cli.json': '{ "sourceRoot": "src", "compilerOptions": { "deleteOutDir": true } }\n',
  '.gitignore': 'node_modules\ndist',
  'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`,
  'src/app.module.ts': `import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { AppService } from './app.service';

@Module({
  imports: [],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`,
};

async function templateOf(type: 'cjs' | 'esm'): Promise<Record<string, string>> {
  const collection = '@nestjs/schematics/dist/collection.json';
  const options = { name: 'app', type, language: 'ts', observe: false };
  const { files } = await schematic(collection, 'application', options);
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [path.replace(/^app\//, ''), content]),
  );
}

describe.each(['Nest 12, ES modules', 'Nest 12, CommonJS', 'Nest 11'])(
  'nest add to %s',
  (template) => {
    let files: Record<string, string>;

    beforeAll(async () => {
      if (template === 'Nest 11') files = NEST_11;
      else files = await templateOf(template.endsWith('CommonJS') ? 'cjs' : 'esm');
      for (const path of FILES) expect(files).toHaveProperty([path]);
    });

    it('adds the module, the peers, the scripts that may run, and what belongs to them', async () => {
      const options = { sourceRoot: 'src' };
      const made = await schematic(COLLECTION, 'nest-add', options, files);
      const added = made.files;
      const { dependencies, allowScripts } = JSON.parse(added['package.json'] ?? '') as Record<
        string,
        Record<string, unknown>
      >;

      expect(added['src/app.module.ts']).toContain('imports: [HyperCacheModule.forRoot()],');
      expect(added['src/app.module.ts']).toContain(
        "import { HyperCacheModule } from 'nestjs-hypercache';",
      );
      expect(added['src/main.ts']).toMatch(
        /create\(AppModule\);\n {2}app\.enableShutdownHooks\(\);\n {2}await app\.listen/,
      );
      expect(dependencies).toMatchObject({
        'nestjs-hypercache': expect.stringMatching(/^\^\d/),
        '@nestjs/cache-manager': template === 'Nest 11' ? '^3.0.0' : '^12.0.0',
        'cache-manager': expect.any(String),
        keyv: expect.stringMatching(/^\^5/),
        'better-sqlite3': expect.stringMatching(/^\^12/),
      });
      expect(Object.keys(dependencies ?? {})).toEqual(Object.keys(dependencies ?? {}).toSorted());
      expect(allowScripts).toEqual({ 'better-sqlite3': true });
      expect(added['.gitignore']).toMatch(/^storage\/$/m);
      expect(added['.env.example']).toContain('HYPERCACHE_API_TOKEN');
      expect(made.tasks).toContainEqual(
        expect.objectContaining({
          name: 'node-package',
          options: expect.objectContaining({ packageManager: 'npm' }),
        }),
      );
      const faults = ['src/app.module.ts', 'src/main.ts'].flatMap((path) => {
        const { diagnostics = [] } = ts.transpileModule(added[path] ?? '', {
          reportDiagnostics: true,
        });
        return diagnostics.map(({ messageText }) => messageText);
      });
      expect(faults).toEqual([]);

      const again = await schematic(COLLECTION, 'nest-add', options, added);
      expect(again).toEqual({ files: added, tasks: [] });
    });

    it('makes a secondary', async () => {
      const options = { sourceRoot: 'src', role: 'secondary' };
      const { files: added } = await schematic(COLLECTION, 'nest-add', options, files);
      expect(added['src/app.module.ts']).toContain(
        "HyperCacheModule.forRoot({ role: 'secondary' })",
      );
      expect(added['package.json']).toContain('"axios"');
      expect(added['package.json']).toContain(
        `"@nestjs/axios": "${template === 'Nest 11' ? '^4' : '^12'}`,
      );
      expect(added['.env.example']).toContain('HYPERCACHE_PRIMARY_URL');
    });
  },
);

describe('the root module', () => {
  const moduleWith = (imports: string, more = ''): string =>
    `import { Module } from '@nestjs/common';\nimport { CacheModule${more} } from '@nestjs/cache-manager';\nimport { Other } from "./other";\n\n@Module({ imports: [${imports}] })\nexport class AppModule {}\n`;
  const edited = (source: string) => editModule(ts, 'src/app.module.ts', source, 'primary');

  it('gets the cache in place of a CacheModule with options that are literal', () => {
    expect(
      edited(moduleWith('CacheModule.register({ ttl: 5_000, isGlobal: true }), Other')).text,
    ).toBe(
      `import { Module } from '@nestjs/common';\nimport { Other } from "./other";\nimport { HyperCacheModule } from 'nestjs-hypercache';\n\n@Module({ imports: [HyperCacheModule.forRoot({ ttl: 5_000 }), Other] })\nexport class AppModule {}\n`,
    );
    expect(
      edited(moduleWith('CacheModule.register(), Other', ', CacheInterceptor')).text,
    ).toContain("import { CacheInterceptor } from '@nestjs/cache-manager'");
  });

  it.each([
    'CacheModule.registerAsync({ useFactory: () => ({}) })',
    'CacheModule.register({ stores: [redis] })',
    'CacheModule.register(options)',
  ])('keeps %s, and says what is left to do', (call) => {
    const { text, notes } = edited(moduleWith(call));
    expect(text).toContain(`${call}, HyperCacheModule.forRoot()`);
    expect(notes).toEqual([expect.stringContaining('CacheModule')]);
  });

  it.each([
    ['@Module({})', '@Module({ imports: [HyperCacheModule.forRoot()] })'],
    [
      '@Module({\n  providers: [],\n})',
      '@Module({\n  imports: [HyperCacheModule.forRoot()],\n  providers: [],\n})',
    ],
    [
      '@Module({\n  imports: [\n    A,\n    B,\n  ],\n})',
      '@Module({\n  imports: [\n    A,\n    B,\n    HyperCacheModule.forRoot(),\n  ],\n})',
    ],
    ['@Module({ imports: [A] })', '@Module({ imports: [A, HyperCacheModule.forRoot()] })'],
  ])('is found in %s', (before, after) => {
    const text = edited(
      `import { Module } from "@nestjs/common";\n${before}\nexport class AppModule {}\n`,
    ).text;
    expect(text).toBe(
      `import { Module } from "@nestjs/common";\nimport { HyperCacheModule } from "nestjs-hypercache";\n${after}\nexport class AppModule {}\n`,
    );
  });

  it.each([
    'export class AppModule {}',
    '@Module(options) export class A {}',
    '@Module({ imports: list }) export class A {}',
  ])('is left alone in %s', (source) => {
    expect(edited(source).text).toBeUndefined();
  });
});

describe('npx --no hypercache install', () => {
  const directory = useTemporaryDirectories();

  function application(files: Readonly<Record<string, string>>): string {
    const home = directory();
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    // The application's own compiler.
    const compiler = join(home, 'node_modules/typescript');
    mkdirSync(compiler, { recursive: true });
    writeFileSync(join(compiler, 'package.json'), '{ "main": "index.js" }');
    writeFileSync(
      join(compiler, 'index.js'),
      `module.exports = require(${JSON.stringify(join(root, 'node_modules/typescript'))});`,
    );
    return home;
  }

  it('changes what it says, once, and nothing with --dry-run', async () => {
    const home = application(NEST_11);
    const args = ['install', '--app', home, '--skip-install'];
    const dry = await commandLine([...args, '--dry-run']);
    expect(dry).toMatchObject({
      code: 0,
      out: expect.stringContaining('UPDATE src/app.module.ts'),
    });
    expect(readFileSync(join(home, 'src/app.module.ts'), 'utf8')).toBe(
      NEST_11['src/app.module.ts'],
    );
    expect(existsSync(join(home, '.env.example'))).toBe(false);

    const first = await commandLine([...args, '--json']);
    expect(JSON.parse(first.out)).toMatchObject({ mustInstall: true, notes: [] });
    expect(readFileSync(join(home, 'src/app.module.ts'), 'utf8')).toContain(
      'HyperCacheModule.forRoot()',
    );
    const files = readdirSync(home);
    expect(await commandLine(args)).toMatchObject({ code: 0, out: 'Nothing has to be changed.\n' });
    expect(readdirSync(home)).toEqual(files);
  });

  it('says what to do by hand where it cannot tell', async () => {
    const home = application({ 'package.json': '{}', 'src/main.ts': 'run();' });
    const { code, out } = await commandLine(['install', '--app', home, '--skip-install']);
    expect(code).toBe(0);
    expect(out).toContain('HyperCacheModule.forRoot()');
    expect(out).toContain('enableShutdownHooks');
    expect(readFileSync(join(home, 'src/main.ts'), 'utf8')).toBe('run();');
    await expect(
      commandLine(['install', '--role', 'leader', '--app', home]),
    ).resolves.toMatchObject({ code: 2 });
    writeFileSync(join(home, 'package.json'), '{ broken');
    expect((await commandLine(['install', '--app', home])).out).toContain(
      'package.json cannot be read',
    );
    expect(readFileSync(join(home, 'package.json'), 'utf8')).toBe('{ broken');
  });

  it.each([
    ['bun.lock', { trustedDependencies: ['better-sqlite3'] }],
    ['yarn.lock', { dependenciesMeta: { 'better-sqlite3': { built: true } } }],
  ])(
    'lets the build run where there is %s, and finds the module of a workspace',
    (lock, allowed) => {
      const moved = Object.entries(NEST_11).map(([path, text]) => [
        path.replace(/^src/, 'apps/shop/src'),
        text,
      ]);
      const files: Record<string, string> = { ...Object.fromEntries(moved), [lock]: '' };
      files['nest-cli.json'] = '{ "monorepo": true, "sourceRoot": "apps/shop/src" }';
      const request = {
        sourceRoot: undefined,
        module: undefined,
        role: 'primary' as const,
        version: '^0.1.0',
      };
      const plan = planInstall({ read: (path) => files[path] }, request, ts);
      const texts = Object.fromEntries(plan.changes.map(({ path, text }) => [path, text]));
      expect(JSON.parse(texts['package.json'] ?? '')).toMatchObject(allowed);
      expect(texts['apps/shop/src/app.module.ts']).toContain('HyperCacheModule.forRoot()');
      expect(texts['apps/shop/src/main.ts']).toContain('enableShutdownHooks');
      expect(plan.notes).toEqual([]);
    },
  );

  describe('where pnpm-lock.yaml is there, allows the build in pnpm-workspace.yaml', () => {
    const plan = (workspace: string | undefined) => {
      const files: Record<string, string | undefined> = {
        ...NEST_11,
        'pnpm-lock.yaml': '',
        'pnpm-workspace.yaml': workspace,
      };
      const request = { sourceRoot: undefined, module: undefined, role: 'primary' } as const;
      const { changes, notes } = planInstall(
        { read: (path) => files[path] },
        { ...request, version: '^0.1.0' },
        ts,
      );
      return { text: changes.find(({ path }) => path === 'pnpm-workspace.yaml')?.text, notes };
    };

    it.each([
      ['that is new', undefined, "packages:\n  - '.'\n\nallowBuilds:\n  better-sqlite3: true\n"],
      [
        'that has other settings',
        'packages:\n  - apps/*\n',
        'packages:\n  - apps/*\n\nallowBuilds:\n  better-sqlite3: true\n',
      ],
      [
        'that allows others',
        'allowBuilds:\n  esbuild: true\n',
        'allowBuilds:\n  better-sqlite3: true\n  esbuild: true\n',
      ],
      [
        'in which pnpm asks',
        'allowBuilds:\n  better-sqlite3: set this to true or false\n',
        'allowBuilds:\n  better-sqlite3: true\n',
      ],
    ])('%s', (_which, before, after) => {
      expect(plan(before)).toEqual({ text: after, notes: [] });
    });

    it.each(['true', 'false'])('whose decision, %s, stays', (decision) => {
      expect(plan(`allowBuilds:\n  better-sqlite3: ${decision}\n`).text).toBeUndefined();
    });

    it('or says how, where a person should edit it', () => {
      expect(plan('allowBuilds: { esbuild: true }\n')).toEqual({
        text: undefined,
        notes: [expect.stringContaining('pnpm approve-builds better-sqlite3')],
      });
    });
  });
});
