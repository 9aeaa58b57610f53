/** Rules about documents: a link leads somewhere, and a command that is printed can be run. @module */
import { posix } from 'node:path';
import { type Finding, type Rule, sample, type SourceFile } from './rule.ts';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const SCRIPT = /\bbun(?:@[\d.]+)? run ([a-z][\w:-]*)/g;
const FILE = /\bbun (?:run )?((?:src|scripts|bench|examples)\/[\w./-]+\.ts)/g;
const TABLE_ROW = /^\| `([^`]+)` \|/gm;
const BUN = /\bbun@([\d.]+)/g;

export const DOCUMENT_RULES: readonly Rule[] = [
  {
    name: 'links in documents lead somewhere',
    repair: 'correct the path; it starts from the document.',
    find: (files) =>
      documents(files).flatMap((file) =>
        matches(file, LINK).flatMap(({ text, line }) => {
          const target = posix.join(posix.dirname(file.path), text.replace(/#.*/, ''));
          if (/^(\w+:|#)/.test(text) || exists(files, target)) return [];
          return [{ path: file.path, line, what: `links to ${text}, which is not there` }];
        }),
      ),
    bad: [[sample('README.md', 'See [more](docs/more.md).')]],
    good: [
      sample('README.md', '[more](docs/more.md#part), [docs](docs/), [up](#top), [site](https://example.com)'),
      sample('docs/more.md', '[back](../README.md)'),
    ],
  },
  {
    name: 'commands in documents can be run',
    repair: 'correct the command, or add the script to package.json.',
    find: (files) => documents(files).flatMap((file) => [...unknownScripts(file, files), ...unknownFiles(file, files)]),
    bad: [
      [sample('package.json', '{"scripts":{"test":"a"}}'), sample('README.md', '`bun run tset`')],
      [sample('package.json', '{"scripts":{}}'), sample('README.md', '```sh', 'npx -y bun@1.4.4 run start', '```')],
      [sample('package.json', '{"scripts":{}}'), sample('README.md', '`bun scripts/nothing.ts`')],
    ],
    good: [
      sample('package.json', '{"scripts":{"test":"a"}}'),
      sample('README.md', '`bun run test journal`, `bun scripts/a.ts`'),
      sample('scripts/a.ts', ''),
    ],
  },
  {
    name: 'one version of Bun is named everywhere',
    repair: 'name the version that engines.bun in package.json begins with.',
    find: (files) => {
      const wanted = manifest(files).engines?.bun?.replace(/^\D+/, '');
      const speaking = files.filter(({ path }) => /\.md$|^\.ci\/|^scripts\//.test(path));
      return speaking.flatMap((file) =>
        matches(file, BUN)
          .filter(({ text }) => text !== wanted)
          .map(({ text, line }) => ({ path: file.path, line, what: `names Bun ${text}, not ${wanted}` })),
      );
    },
    bad: [[sample('package.json', '{"engines":{"bun":">=1.4.4"}}'), sample('.ci/run', 'npx -y bun@1.4.3 run test')]],
    good: [sample('package.json', '{"engines":{"bun":">=1.4.4"}}'), sample('.ci/run', 'npx -y bun@1.4.4 run test')],
  },
  {
    name: 'every dependency says what it is for',
    repair: 'add its line to docs/DEPENDENCIES.md, or remove the line of one that is gone.',
    find: (files) => {
      const { dependencies, devDependencies } = manifest(files);
      const wanted = Object.keys({ ...dependencies, ...devDependencies });
      const file = files.find(({ path }) => path === 'docs/DEPENDENCIES.md') ?? sample('docs/DEPENDENCIES.md');
      const told = matches(file, TABLE_ROW);
      const missing = wanted.filter((name) => !told.some(({ text }) => text === name));
      const gone = told.filter(({ text }) => !wanted.includes(text));
      return [
        ...missing.map((name) => ({ path: file.path, line: 1, what: `does not name ${name}` })),
        ...gone.map(({ text, line }) => ({
          path: file.path,
          line,
          what: `names ${text}, which package.json does not`,
        })),
      ];
    },
    bad: [
      [sample('package.json', '{"dependencies":{"zod":"4.0.0"}}')],
      [sample('package.json', '{}'), sample('docs/DEPENDENCIES.md', '| `zod` | validation |')],
    ],
    good: [
      sample('package.json', '{"devDependencies":{"zod":"4.0.0"}}'),
      sample('docs/DEPENDENCIES.md', '| `zod` | validation |'),
    ],
  },
];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly engines?: { readonly bun?: string };
}

function manifest(files: readonly SourceFile[]): Manifest {
  return JSON.parse(files.find(({ path }) => path === 'package.json')?.text ?? '{}');
}

function documents(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.endsWith('.md'));
}

/** What the pattern's first group caught, with the line it stands on. */
function matches({ text }: SourceFile, pattern: RegExp): { text: string; line: number }[] {
  return [...text.matchAll(pattern)].map((match) => ({
    text: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}

function exists(files: readonly SourceFile[], target: string): boolean {
  const folder = target.endsWith('/') ? target : `${target}/`;
  return target === '.' || files.some(({ path }) => path === target || path.startsWith(folder));
}

function unknownScripts(file: SourceFile, files: readonly SourceFile[]): Finding[] {
  const scripts = manifest(files).scripts ?? {};
  return matches(file, SCRIPT)
    .filter(({ text }) => !/^(src|scripts|bench|examples)$/.test(text) && !Object.hasOwn(scripts, text))
    .map(({ text, line }) => ({
      path: file.path,
      line,
      what: `names the script ${text}, which is not in package.json`,
    }));
}

function unknownFiles(file: SourceFile, files: readonly SourceFile[]): Finding[] {
  return matches(file, FILE)
    .filter(({ text }) => !exists(files, text))
    .map(({ text, line }) => ({ path: file.path, line, what: `runs ${text}, which is not there` }));
}
