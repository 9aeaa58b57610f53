/**
 * Who may import whom. The table is the house's plan: a new folder under src/ gets its line here, and a line
 * only ever names what lies below it.
 * @module
 */
import { posix } from 'node:path';
import { findingAt, importsOf, memberText, nodesOf } from './syntax.ts';
import { type Finding, inEach, type Rule, sample, type SourceFile, TYPESCRIPT } from './rule.ts';

/** The part of the core that is plain TypeScript: what it promises, and what runs anywhere. */
const PLAIN_CORE = ['bindings/backend.ts', 'bindings/abi.gen.ts', 'bindings/murmur3.ts'];
const BASE = ['bindings/', 'src/errors/', 'src/env/', 'src/config/', 'src/journal/', 'src/sync/'];
const DOMAINS = ['src/live/', 'src/flags/', 'src/changes/', 'src/documents/', 'src/packages/', 'src/auth/'];
const SERVICES = ['src/rate-limiting/', 'src/proxy/', 'src/http/', 'src/metrics/', 'src/logging/'];
const SERVER = [...BASE, ...DOMAINS, ...SERVICES, 'src/websocket/'];
const BROWSER = ['src/errors/', 'src/config/', 'bindings/wasm.ts', ...PLAIN_CORE];
/** What is said on a stream, and its frames: plain TypeScript on both ends. */
const STREAMED = ['src/websocket/subprotocol.ts', 'bindings/frame.ts'];
const DOMAIN = ['src/errors/', 'src/config/', 'src/journal/', ...PLAIN_CORE];

/** What a package, its name and its version are. */
const PACKAGE_WORDS = ['name', 'version', 'package', 'integrity', 'semver'].map((file) => `src/packages/${file}.ts`);
/** What is of use to whoever keeps packages, whosever they are. */
const PACKAGE_MEANS = ['held', 'integrity'].map((file) => `src/packages/${file}.ts`);

/** What each folder may import, besides itself. A longer key wins over a shorter one. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'bindings/': ['src/errors/'],
  'src/errors/': [],
  'src/env/': ['src/errors/'],
  'src/config/': ['src/errors/', ...PLAIN_CORE],
  'src/journal/': ['src/errors/'],
  'src/sync/': ['bindings/', 'src/errors/'],
  'src/live/projections.ts': ['src/live/projection.ts', 'src/journal/', 'src/packages/projection.ts'],
  'src/live/': BASE,
  'src/flags/': DOMAIN,
  'src/changes/': DOMAIN,
  'src/documents/': DOMAIN,
  'src/packages/': DOMAIN,
  'src/packages/blobs/': ['src/errors/'],
  'src/packages/filters/': ['src/errors/', 'src/config/', 'src/journal/', 'src/packages/semver.ts'],
  'src/packages/intake/': ['src/errors/', 'src/config/', 'src/packages/blobs/blobs.ts', ...PACKAGE_WORDS],
  'src/packages/uplinks/': ['src/errors/', 'src/config/', 'src/journal/', 'src/packages/filters/', ...PACKAGE_MEANS],
  'src/packages/import/': ['src/errors/', ...PACKAGE_WORDS],
  'src/auth/': DOMAIN,
  'src/rate-limiting/': ['src/errors/'],
  'src/http/': ['src/errors/'],
  'src/proxy/': ['src/errors/', 'src/config/', 'src/http/', ...PLAIN_CORE],
  'src/metrics/': ['src/errors/'],
  'src/logging/': ['src/errors/', 'src/env/'],
  'src/websocket/': [...BASE, 'src/live/', 'src/metrics/', 'src/logging/'],
  'src/registry/': [...SERVER, 'src/dashboard/'],
  'src/cli/': [...SERVER, 'src/registry/', 'src/client/'],
  'src/terminal/': [...SERVER, 'src/registry/', 'src/client/'],
  'src/client/': [...BROWSER, ...STREAMED],
  'src/dashboard/': BROWSER,
  'src/bundle/': ['src/errors/', 'src/config/', ...PLAIN_CORE],
  'src/index.ts': [...BASE, ...DOMAINS, 'src/bundle/', 'src/logging/', 'src/client/'],
  'src/node.ts': [...BASE, ...DOMAINS, 'src/client/'],
};

/** Things that one place owns. Imports are written `module` or `module#name`, members as in code. */
const ONLY_THERE: readonly { what: string; path: RegExp; where: string }[] = [
  { what: 'bun:ffi', path: /^bindings\/native[^/]*\.ts$/, where: 'bindings/native*.ts' },
  { what: 'bun:sqlite', path: /^src\/journal\//, where: 'src/journal/' },
  { what: 'Bun.serve', path: /^src\/registry\/serve\.ts$/, where: 'src/registry/serve.ts' },
  { what: 'bun#serve', path: /^src\/registry\/serve\.ts$/, where: 'src/registry/serve.ts' },
  { what: 'process.env', path: /^src\/env\//, where: 'src/env/' },
  { what: 'Bun.env', path: /^src\/env\//, where: 'src/env/' },
  { what: 'import.meta.env', path: /^src\/env\//, where: 'src/env/' },
  { what: 'node:process#env', path: /^src\/env\//, where: 'src/env/' },
  { what: 'bun#env', path: /^src\/env\//, where: 'src/env/' },
];

const OURS = /^(bindings|src)\/.*(?<!\.gen)\.tsx?$/;

export const IMPORT_RULES: readonly Rule[] = [
  {
    name: 'imports point downwards',
    repair:
      'hand the thing in from above, or move it to where both may see it; tests/tidy/import-rules.ts has the table.',
    find: inEach(OURS, (file) => importsOf(file).flatMap((edge) => upwards(file, edge))),
    bad: [
      [sample('src/journal/a.ts', "import { b } from '../live/b.ts';")],
      [sample('src/flags/a.ts', "import type { B } from '../packages/b.ts';")],
      [sample('src/config/a.ts', "const native = await import('../../bindings/native.ts');")],
      [sample('src/dashboard/a.ts', "export { open } from '../../bindings/open.ts';")],
      [sample('src/somewhere/a.ts', "import './b.ts';")],
      [sample('src/packages/blobs/a.ts', "import type { B } from '../../journal/b.ts';")],
      [sample('src/packages/uplinks/a.ts', "import { b } from '../packages.ts';")],
    ],
    good: [sample('src/live/a.ts', "import { b } from '../journal/b.ts';", "import { c } from './c.ts';")],
  },
  {
    name: 'src/config imports nothing from outside',
    repair: 'keep src/config pure: hand in what it needs, so that browsers can import it.',
    find: inEach(/^src\/config\//, (file) =>
      importsOf(file)
        .filter(({ from }) => !from.startsWith('.'))
        .map(({ from, node }) => findingAt(file, node, `imports ${from}`)),
    ),
    bad: [[sample('src/config/a.ts', "import { z } from 'zod';")], [sample('src/config/a.ts', "import 'node:fs';")]],
    good: [sample('src/config/a.ts', "import { b } from './b.ts';"), sample('src/live/a.ts', "import 'node:fs';")],
  },
  {
    name: 'one place owns each gate to the outside',
    repair: 'use what the owning place exports.',
    find: inEach(OURS, (file) => [...ownedImports(file), ...ownedMembers(file)]),
    bad: [
      [sample('src/sync/a.ts', "import { dlopen } from 'bun:ffi';")],
      [sample('src/live/a.ts', "import { Database } from 'bun:sqlite';")],
      [sample('src/registry/app.ts', 'Bun.serve({ fetch });')],
      [sample('src/registry/main.ts', 'const port = process.env.PORT;')],
      [sample('src/registry/main.ts', "const port = Bun.env['PORT'];")],
      [sample('src/registry/main.ts', "import { env } from 'node:process';")],
    ],
    good: [
      sample('src/env/a.ts', 'export const home = process.env.HOME;'),
      sample('src/live/a.ts', '// process.env and Bun.serve', "const text = 'process.env';"),
      sample('bindings/native-pty.ts', "import { dlopen } from 'bun:ffi';"),
    ],
  },
  {
    name: 'imports make no circle',
    repair: 'move what both need into a file of its own.',
    find: (files) => circles(files.filter(({ path }) => TYPESCRIPT.test(path))),
    bad: [
      [sample('src/live/a.ts', "import { b } from './b.ts';"), sample('src/live/b.ts', "import { a } from './a.ts';")],
    ],
    good: [sample('src/live/a.ts', "import { b } from './b.ts';"), sample('src/live/b.ts', 'export const b = 1;')],
  },
];

function upwards(file: SourceFile, { from, node }: ReturnType<typeof importsOf>[number]): Finding[] {
  const folder = folderOf(file.path);
  if (folder === null) return [findingAt(file, node, 'lies in a folder that the table does not know')];
  if (!from.startsWith('.')) return [];
  const target = resolved(file.path, from);
  const allowed = [folder, ...MAY_IMPORT[folder]!, 'package.json'];
  if (allowed.some((prefix) => target.startsWith(prefix)) || !/^(src|bindings|bench|tests|scripts)\//.test(target))
    return [];
  return [findingAt(file, node, `${folder} may not import ${target}`)];
}

function folderOf(path: string): string | null {
  const folders = Object.keys(MAY_IMPORT).filter((folder) => path.startsWith(folder));
  return folders.reduce<string | null>((longest, one) => (one.length > (longest?.length ?? 0) ? one : longest), null);
}

function resolved(importer: string, specifier: string): string {
  return posix.join(posix.dirname(importer), specifier);
}

function ownedImports(file: SourceFile): Finding[] {
  return importsOf(file).flatMap(({ from, names, node }) =>
    [from, ...names.map((name) => `${from}#${name}`)].flatMap((what) => {
      const owner = ownerOf(what, file);
      return owner === null ? [] : [findingAt(file, node, `imports ${what}, which belongs to ${owner}`)];
    }),
  );
}

function ownedMembers(file: SourceFile): Finding[] {
  return nodesOf(file).flatMap((node) => {
    const what = memberText(node);
    const owner = ownerOf(what, file);
    return owner === null ? [] : [findingAt(file, node, `uses ${what}, which belongs to ${owner}`)];
  });
}

function ownerOf(what: string, file: SourceFile): string | null {
  return ONLY_THERE.find((owned) => owned.what === what && !owned.path.test(file.path))?.where ?? null;
}

/** Depth first; a file met again while it is still open closes a circle. Imports of types alone do not count. */
function circles(files: readonly SourceFile[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const findings: Finding[] = [];
  const visit = (file: SourceFile, way: readonly string[]): void => {
    state.set(file.path, 'open');
    for (const { from, node, typeOnly } of importsOf(file)) {
      const target = byPath.get(resolved(file.path, from));
      if (target === undefined || typeOnly) continue;
      const circle = [...way, file.path, target.path].slice([...way, file.path].indexOf(target.path));
      if (state.get(target.path) === 'open') findings.push(findingAt(file, node, circle.join(' -> ')));
      if (!state.has(target.path)) visit(target, [...way, file.path]);
    }
    state.set(file.path, 'done');
  };
  for (const file of files) if (!state.has(file.path)) visit(file, []);
  return findings;
}
