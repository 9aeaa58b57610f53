/**
 * Shell completion: the script that a shell loads, and what that script asks at every TAB. Commands and options come
 * from the program itself; names of configs, features and backups from the target, which has half a second to answer.
 * A target that does not answer leaves the words that are known without it: at a prompt there is no place for an error.
 * @module
 */
import { readdirSync } from 'node:fs';
import { type Command as Completed, RootCommand, script } from '@bomb.sh/tab';
import type { Command } from 'commander';
import { KEY_NAMES, type DeclaredKind } from './declared.ts';
import type { IdentityTarget } from './identity-target.ts';
import { openClient, openIdentityTarget, openTarget } from './open-target.ts';
import { sharedOptionsOf } from './options.ts';
import type { RegistryClient } from './registry-client.ts';
import { allConfigs, type Target } from './target.ts';
import { clean } from './text.ts';
import { BUILTIN_FEATURES } from '../config/features.ts';
import { DEFAULT_NAME } from '../config/name.ts';
import { BUILTIN_TEMPLATES } from '../config/templates.ts';
import { CHANGED_FIELDS, CONFIG_FIELDS } from '../config/value.ts';
import { isConfigError } from '../errors/errors.ts';
import { HEADER_NAMES } from '../proxy/headers.ts';
import type { Listed } from '../registry/identity-operations.ts';
import type { PackageListing } from '../registry/routes/v1/package-shapes.ts';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

const PROGRAM = 'c13';
const ANSWER_WITHIN_MS = 500;
/** For shells without the bash-completion package: enough to know the words. */
const BASH_WORDS = `if ! declare -F _get_comp_words_by_ref > /dev/null; then
  _get_comp_words_by_ref() {
    words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD
    cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  }
fi
`;

/** What is only known by asking, by the name of the argument or option it completes. */
interface Known {
  readonly configs: readonly string[];
  readonly features: readonly string[];
  readonly backups: readonly string[];
  readonly users: readonly string[];
  /** Ids. */
  readonly grants: readonly string[];
  readonly tokens: readonly string[];
  readonly requests: readonly string[];
  readonly packages: readonly string[];
  /** Dist-tags of the package that is named. */
  readonly tags: readonly string[];
  readonly uplinks: readonly string[];
  readonly filters: readonly string[];
  /** Rich ones. */
  readonly flags: readonly string[];
  readonly files: readonly string[];
  readonly templates: readonly string[];
  readonly rules: readonly string[];
  /** Where the name of a header may follow, not its value. */
  readonly headers: readonly string[];
}

/** What needs no asking. */
type Seen = 'files' | 'headers';

const UNASKED = {
  configs: [],
  features: BUILTIN_FEATURES.names,
  backups: [],
  users: [],
  grants: [],
  tokens: [],
  requests: [],
  packages: [],
  tags: [],
  uplinks: [],
  filters: [],
  flags: [],
  templates: BUILTIN_TEMPLATES.map(({ name }) => name),
  rules: [],
} satisfies Omit<Known, Seen>;
/** Commands about somebody, not about a config. */
const IDENTITY = ['users', 'grants', 'tokens'];
/** Of `requests`, those about one that there is. */
const OF_REQUESTS = ['show', 'approve', 'reject', 'cancel'];
const DECLARED: readonly DeclaredKind[] = ['template', 'rule'];

/** The script to load, as in `source <(c13 completion bash)`; loading it twice does no harm. */
export function completionScript(shell: Shell): string {
  const text = printed(() => script(shell, PROGRAM, PROGRAM)).trimEnd();
  return shell === 'bash' ? BASH_WORDS + text.replace(/^readonly /gm, '') : text;
}

/** Prints what may follow the words, as the scripts expect it. The last word is the one being typed. */
export async function suggest(program: Command, words: readonly string[]): Promise<void> {
  const known = { ...(await ask(words)), files: filesLike(words.at(-1) ?? ''), headers: headersAfter(words) };
  const root = new RootCommand();
  for (const [path, command] of commandsOf(program)) {
    const completed = path === '' ? root : root.command(path, command.description());
    addOptions(completed, command, program, known);
    for (const argument of command.registeredArguments) {
      const values = argument.argChoices ?? argumentValues(argument.name(), known);
      completed.argument(
        argument.name(),
        (complete) => values.forEach((value) => complete(value, '')),
        argument.variadic,
      );
    }
  }
  root.parse([...words]);
}

function addOptions(completed: Completed, command: Command, program: Command, known: Known): void {
  const own = command === program ? program.options : [...command.options, ...sharedOptionsOf(command, program)];
  for (const option of own) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;
    const alias = option.short?.slice(1);
    const values = option.argChoices ?? optionValues(name, known);
    if (option.isBoolean()) completed.option(name, option.description, alias);
    else
      completed.option(name, option.description, (complete) => values.forEach((value) => complete(value, '')), alias);
  }
}

function argumentValues(argument: string, known: Known): readonly string[] {
  const { features, backups, files } = known;
  switch (argument) {
    case 'user':
      return known.users;
    case 'grant':
      return known.grants;
    case 'token':
      return known.tokens;
    case 'flag':
      return known.flags;
    case 'request':
      return known.requests;
    case 'package':
      return known.packages;
    case 'tag=version':
      return known.tags.map((tag) => `${tag}=`);
    case 'uplink':
      return known.uplinks;
    case 'filter':
      return known.filters;
    case 'feature':
      return features;
    case 'config':
      return known.configs;
    case 'template':
      return known.templates;
    case 'rule':
      return known.rules;
    case 'header':
      return known.headers;
    case 'backup':
      return [...backups, ...files];
    case 'file':
      return files;
    case 'field':
      return [
        ...CHANGED_FIELDS.filter((field) => field !== 'rollouts'),
        ...features.map((feature) => `features.${feature}`),
      ];
    case 'field=value':
      return [
        ...CONFIG_FIELDS.map(({ name }) => `${name}=`),
        ...features.flatMap((feature) => [`features.${feature}=`, `rollouts.${feature}=`]),
      ];
    default:
      return [];
  }
}

function optionValues(option: string, { configs, users, files, tags }: Known): readonly string[] {
  if (option === 'name') return configs;
  if (option === 'user') return users;
  if (option === 'remove') return tags;
  if (['database', 'data', 'token-file', 'open', 'segments', 'from-verdaccio'].includes(option)) return files;
  return option === 'field' ? CHANGED_FIELDS : [];
}

/** Names and values come in turns; a name is written as the one that is being typed. */
function headersAfter(words: readonly string[]): string[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(words.indexOf('headers') + 1, -1).filter((word) => !word.startsWith('-'));
  if (before.length % 2 === 1) return [];
  if (typed.startsWith('x')) return [...HEADER_NAMES];
  return HEADER_NAMES.map((name) => name.replace(/\b[a-z]/g, (first) => first.toUpperCase()));
}

/** Every visible command with its path, `feature enable`; the program's own is empty. */
function commandsOf(command: Command, path = ''): [string, Command][] {
  const members = command
    .createHelp()
    .visibleCommands(command)
    .filter((member) => member.name() !== 'help');
  return [
    [path, command],
    ...members.flatMap((member) => commandsOf(member, path === '' ? member.name() : `${path} ${member.name()}`)),
  ];
}

/** Files and directories that begin like the word; what cannot be listed has none. */
function filesLike(word: string): string[] {
  const directory = word.slice(0, word.lastIndexOf('/') + 1);
  try {
    return readdirSync(directory === '' ? '.' : directory, { withFileTypes: true })
      .map((entry) => `${directory}${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .toSorted();
  } catch (error) {
    if (/^(ENOENT|ENOTDIR|EACCES)$/.test((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

async function ask(words: readonly string[]): Promise<Omit<Known, Seen>> {
  const valueOf = (...options: string[]) => words[words.findIndex((word) => options.includes(word)) + 1];
  const given = (...options: string[]) =>
    options.some((option) => words.includes(option)) ? valueOf(...options) : undefined;
  const name = given('--name', '-n') ?? DEFAULT_NAME;
  const where = {
    url: given('--url'),
    database: given('--database', '-d'),
    data: given('--data'),
    tokenFile: given('--token-file'),
  };
  const options = Object.fromEntries(Object.entries(where).filter(([, value]) => value !== undefined));
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  let target: Target | IdentityTarget | null = null;
  try {
    if (IDENTITY.some((group) => words.includes(group))) {
      target = await openIdentityTarget(options, signal);
      return await identityOf(target);
    }
    if (words.includes('requests') && OF_REQUESTS.some((command) => words.includes(command))) {
      return { ...UNASKED, requests: await requestsOf(await openClient(options, signal)) };
    }
    if (words.includes('packages')) {
      return { ...UNASKED, ...(await packagesIn(await openClient(options, signal), words)) };
    }
    if (words.includes('uplinks') || words.includes('filters')) {
      return { ...UNASKED, ...(await uplinksIn(await openClient(options, signal))) };
    }
    target = await openTarget(options, signal);
    if (words.includes('flags')) {
      const client = await openClient(options, signal);
      const [known, flags] = await Promise.all([knownTo(target, name), flagsIn(client, name)]);
      return { ...known, flags };
    }
    const declared = DECLARED.find((kind) => words.includes(`${kind}s`));
    return declared === undefined ? await knownTo(target, name) : await declaredTo(target, declared);
  } catch (error) {
    if (isConfigError(error) || (error as Error).name === 'TimeoutError') return UNASKED;
    throw error;
  } finally {
    await target?.close();
  }
}

/** Of the config that is named. */
async function flagsIn(client: RegistryClient, name: string): Promise<string[]> {
  const { HttpFlags } = await import('./http-flags.ts');
  const flags = await permitted(new HttpFlags(client, name).list({ kind: 'rich', archived: 'all' }));
  return flags.map(({ key }) => key).filter((word) => clean(word) === word);
}

async function requestsOf(client: RegistryClient): Promise<string[]> {
  const { requests } = await client.json<{ requests: { id: string }[] }>('/api/v1/change-requests');
  return requests.map(({ id }) => id).filter((word) => clean(word) === word);
}

/** No more than one page: a prompt has no room for more. */
async function packagesIn(client: RegistryClient, words: readonly string[]): Promise<Pick<Known, 'packages' | 'tags'>> {
  const page = await client.json<PackageListing>('/api/v1/packages', { query: { limit: 1000 } });
  const packages = namesOf(page.packages);
  const named = words.includes('tag') ? packages.find((name) => words.slice(0, -1).includes(name)) : undefined;
  if (named === undefined) return { packages, tags: [] };
  const { HttpPackages } = await import('./http-packages.ts');
  return { packages, tags: Object.keys((await new HttpPackages(client).get(named)).tags) };
}

async function uplinksIn(client: RegistryClient): Promise<Pick<Known, 'uplinks' | 'filters'>> {
  const { HttpUplinks } = await import('./http-uplinks.ts');
  const known = new HttpUplinks(client);
  const [uplinks, filters] = await Promise.all([permitted(known.list()), permitted(known.filters())]);
  return { uplinks: namesOf(uplinks), filters: namesOf(filters) };
}

/** A shell reads lines: what is not printable cannot be completed. */
function namesOf(items: readonly { readonly name: string }[]): string[] {
  return items.map(({ name }) => name).filter((word) => clean(word) === word);
}

/** What of it the user may not see is left out. */
async function identityOf(target: IdentityTarget): Promise<Omit<Known, Seen>> {
  const [users, grants, tokens] = await Promise.allSettled([target.users(), target.grants(), target.tokens()]);
  const keys = <T>(page: PromiseSettledResult<Listed<T>>, key: (item: T) => string): string[] =>
    page.status === 'rejected' ? [] : page.value.items.map(key).filter((word) => clean(word) === word);
  return {
    ...UNASKED,
    users: keys(users, (user) => user.name),
    grants: keys(grants, (grant) => grant.id),
    tokens: keys(tokens, (token) => token.id),
  };
}

async function declaredTo(target: Target, kind: DeclaredKind): Promise<Omit<Known, Seen>> {
  const keys = (await target.declared(kind)).map((one) => String(one[KEY_NAMES[kind]]));
  return { ...UNASKED, [`${kind}s`]: keys.filter((word) => clean(word) === word) };
}

async function knownTo(target: Target, name: string): Promise<Omit<Known, Seen>> {
  const configs = (await allConfigs(target)).map((view) => view.name);
  const features = configs.includes(name) ? (await target.features(name)).map(({ feature }) => feature) : [];
  const backups = (await permitted(target.backups())).map((backup) => backup.name);
  const templates = configs.includes(name) ? (await target.templates(name)).map((one) => one.name) : UNASKED.templates;
  // A shell reads lines: what is not printable cannot be completed.
  const isPlain = (word: string): boolean => clean(word) === word;
  return {
    ...UNASKED,
    configs: configs.filter(isPlain),
    features: features.filter(isPlain),
    backups: backups.filter(isPlain),
    templates: templates.filter(isPlain),
  };
}

/** What the user may not see is left out. */
async function permitted<T>(list: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await list;
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_FORBIDDEN') return [];
    throw error;
  }
}

/** The library prints by itself, and only by `console.log`. */
function printed(print: () => void): string {
  const lines: unknown[] = [];
  const { log } = console;
  console.log = (line: unknown) => lines.push(line);
  try {
    print();
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}
