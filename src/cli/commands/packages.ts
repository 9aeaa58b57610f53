/** Commands about the packages of a registry: list and show; those that change them are beside. @module */
import type { Command } from 'commander';
import { group } from '../group.ts';
import { packagesOf } from '../package-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { facts, sizeText, table, timeText } from '../text.ts';
import { addPackageChanges } from './package-changes.ts';
import { addPackageImport } from './package-import.ts';
import { addPackageStorage } from './package-storage.ts';
import { addPackageTrust } from './package-trust.ts';

/** What the clients of people do. */
const CLIENTS = { publish: 'npm publish', install: 'npm install', login: 'npm login', search: 'npm search' };

export function addPackages(program: Command): void {
  const packages = group(program, 'packages', 'the packages of a registry', CLIENTS);
  takes(packages.command('list'), ...REGISTRY)
    .description('list the packages that were published to the registry')
    .argument('[filter]', "a part of the name, or a pattern: '@acme/*'")
    .action(run(list));
  takes(packages.command('show'), ...REGISTRY)
    .description('show a package, its dist-tags and its versions')
    .argument('<package>')
    .action(run(show));
  for (const add of [addPackageChanges, addPackageTrust, addPackageStorage, addPackageImport]) add(packages);
}

async function list(session: Session, filter: string | undefined): Promise<Answer> {
  const packages = await (await packagesOf(session)).list(filter);
  const rows = packages.map(({ name, latest, versionCount, modifiedAt, access, isPremium }) => [
    name,
    latest ?? '',
    String(versionCount),
    timeText(modifiedAt),
    [access, ...(isPremium ? ['premium'] : [])].join(' '),
  ]);
  return {
    data: { packages },
    text: (style) => table(style, ['package', 'latest', 'versions', 'modified', 'access'], rows),
  };
}

async function show(session: Session, name: string): Promise<Answer> {
  const found = await (await packagesOf(session)).get(name);
  const { revision, access, isPremium, tags, versions, unpublished, stars } = found;
  const rows = versions.map(({ version, publishedAt, publishedBy, size_bytes, deprecated }) => {
    const named = Object.keys(tags).filter((tag) => tags[tag] === version);
    const said = deprecated === null ? [] : [`deprecated: ${deprecated}`];
    return [version, timeText(publishedAt), publishedBy, sizeText(size_bytes), [...named, ...said].join(' ')];
  });
  const gone = unpublished.length === 0 ? {} : { unpublished: unpublished.map(({ version }) => version).join(' ') };
  const newest = versions.find(({ version }) => version === tags['latest']);
  const warning =
    (newest?.deprecated ?? null) === null ? {} : { deprecated: `${newest!.version}: ${newest!.deprecated}` };
  const head = { package: name, revision, access, isPremium, stars: stars.length, ...warning, ...gone };
  return {
    data: found,
    text: (style) => `${facts(style, head)}\n\n${table(style, ['version', 'published', 'by', 'size', 'tags'], rows)}`,
  };
}
