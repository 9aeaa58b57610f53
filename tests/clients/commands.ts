/**
 * What each package manager can do with a registry, and how it is told to: what is asked for is appended. Null: it has
 * no command for that. What pnpm has none for it hands to npm.
 * @module
 */
import type { Kind } from './kinds.ts';

type Row = Readonly<Record<Kind, readonly string[] | null>>;

export const COMMANDS = {
  whoami: row(['whoami'], ['pm', 'whoami'], ['whoami'], null, ['npm', 'whoami']),
  publish: row(['publish'], ['publish'], ['publish', '--no-git-checks'], yarn1('publish'), ['npm', 'publish']),
  republish: row(['publish', '--force'], ['publish'], ['publish', '--no-git-checks', '--force'], yarn1('publish'), [
    'npm',
    'publish',
  ]),
  /** Leaves out what is there already. */
  publishMissing: row(null, ['publish', '--tolerate-republish'], ['publish', '--recursive', '--no-git-checks'], null, [
    'npm',
    'publish',
    '--tolerate-republish',
  ]),
  tags: row(['dist-tag', 'ls'], null, ['dist-tag', 'ls'], yarn1('tag', 'list'), ['npm', 'tag', 'list']),
  addTag: row(['dist-tag', 'add'], null, ['dist-tag', 'add'], yarn1('tag', 'add'), ['npm', 'tag', 'add']),
  removeTag: row(['dist-tag', 'rm'], null, ['dist-tag', 'rm'], yarn1('tag', 'remove'), ['npm', 'tag', 'remove']),
  view: row(['view'], ['info'], ['view'], yarn1('info'), ['npm', 'info']),
  install: row(['install'], ['install'], ['install', '--no-frozen-lockfile'], yarn1('install'), [
    'install',
    '--no-immutable',
  ]),
  installFrozen: row(
    ['ci'],
    ['install', '--frozen-lockfile'],
    ['install', '--frozen-lockfile'],
    yarn1('install', '--frozen-lockfile'),
    ['install', '--immutable'],
  ),
  add: row(['install'], ['add'], ['add'], yarn1('add'), ['add']),
  // Whatever it is told, Yarn 1 sends its audit to one registry alone.
  audit: row(['audit'], ['audit'], ['audit'], null, ['npm', 'audit']),
  outdated: row(['outdated'], ['outdated'], ['outdated'], yarn1('outdated'), null),
  search: row(['search'], null, ['search'], null, null),
  ping: row(['ping'], null, ['ping'], null, null),
  deprecate: row(['deprecate'], null, ['deprecate'], null, null),
  unpublish: row(['unpublish'], null, ['unpublish'], null, null),
} satisfies Record<string, Row>;

export type Operation = keyof typeof COMMANDS;

function row(
  npm: readonly string[] | null,
  bun: readonly string[] | null,
  pnpm: readonly string[] | null,
  yarn1: readonly string[] | null,
  yarn4: readonly string[] | null,
): Row {
  return { npm, bun, pnpm, yarn1, yarn4 };
}

function yarn1(...words: string[]): readonly string[] {
  return ['--non-interactive', ...words];
}
