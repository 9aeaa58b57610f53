/** Rules about words that no file may hold. They are put together here, so that this file holds none either. @module */
import { inLines, type Rule, sample } from './rule.ts';

const EVERY = /./;
const LATER = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`);
const NPM = ['registry', 'npmjs', 'org'].join('.');
const HOSTS = [
  NPM,
  ['registry', 'yarnpkg', 'com'].join('.'),
  ['npmjs', 'com'].join('.'),
  ['deb', 'debian', 'org'].join('.'),
];
const OTHER_REGISTRIES = [['pypi', 'org'].join('.'), ['crates', 'io'].join('.'), ['proxy', 'golang', 'org'].join('.')];
const HOST = new RegExp([...HOSTS, ...OTHER_REGISTRIES].map((host) => host.replaceAll('.', '\\.')).join('|'), 'i');
const MACHINE = new RegExp(`(^|[\\s'"\`(=:])(${['/ro' + 'ot/', '/wo' + 'rk/', '/ho' + 'me/\\w'].join('|')})`);

export const TEXT_RULES: readonly Rule[] = [
  {
    name: 'nothing is left for later',
    repair: 'do it now, or leave it out whole.',
    find: inLines(EVERY, (line) => (LATER.test(line) ? 'marks something as unfinished' : null)),
    bad: [[sample('src/a.ts', `// ${'TO' + 'DO'}: later`)], [sample('zig/src/a.zig', `// ${'FIX' + 'ME'}`)]],
    good: [sample('src/a.ts', 'const todos = 1;')],
  },
  {
    name: 'no package registry is named by its host',
    repair: "take the upstream from the settings or from npm's own configuration.",
    find: inLines(EVERY, (line) => (HOST.test(line) ? 'names the host of a package registry' : null)),
    bad: [[sample('src/a.ts', `const upstream = 'https://${NPM}';`)], [sample('bun.lock', `"https://${NPM}/a.tgz"`)]],
    good: [sample('src/a.ts', "const upstream = 'http://127.0.0.1:4873';")],
  },
  {
    name: 'no path belongs to one machine',
    repair: 'start from the checkout, the data directory or the temporary directory.',
    find: inLines(EVERY, (line) => (MACHINE.test(line) ? "holds a path of somebody's machine" : null)),
    bad: [[sample('src/a.ts', `const root = '${'/wo' + 'rk/'}main';`)]],
    good: [sample('src/a.ts', "const root = new URL('..', import.meta.url);", "fetch('/api/work/x');")],
  },
];
