/** Commands that change a package: its tags, what installers are told, who may read it, what is taken back. @module */
import { Argument, type Command } from 'commander';
import { usageError } from '../failure.ts';
import { packagesOf, saidOf, splitSpec, versionsIn } from '../package-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean } from '../text.ts';
import type { PackageView } from '../../registry/routes/v1/package-shapes.ts';

export function addPackageChanges(packages: Command): void {
  const changing = (name: string): Command => takes(packages.command(name), ...REGISTRY, 'reason', 'ifRevision');
  changing('tag')
    .description('set dist-tags, and remove others')
    .argument('<package>')
    .argument('[tag=version...]', 'next=2.0.0-rc.1 stable=1.4.0')
    .option('--remove <tag...>', 'tags that name nothing any more')
    .action(run(tag));
  changing('deprecate')
    .description('tell whoever installs some versions why not to')
    .argument('<package>', "with the versions, all if left out: 'ui@<2'")
    .argument('[message]')
    .option('--undo', 'they are not deprecated any more')
    .action(run(deprecate));
  changing('access')
    .description('let everybody read a package who may, or only who is signed in')
    .argument('<package>')
    .addArgument(new Argument('<access>').choices(['public', 'restricted']))
    .action(
      run(async (session, name: string, access: 'public' | 'restricted') => {
        const view = await (await packagesOf(session)).change(name, { access }, saidOf(session));
        return changed(view, `${view.access}`);
      }),
    );
  changing('premium')
    .description('ask for the right premium:<package> too, while premium_types is on; or no more')
    .argument('<package>')
    .addArgument(new Argument('<on|off>').choices(['on', 'off']))
    .action(
      run(async (session, name: string, isOn: 'on' | 'off') => {
        const view = await (await packagesOf(session)).change(name, { isPremium: isOn === 'on' }, saidOf(session));
        return changed(view, view.isPremium ? 'premium' : 'not premium');
      }),
    );
  takes(packages.command('unpublish'), ...REGISTRY, 'reason', 'ifRevision', 'yes')
    .summary('take a version back, or all of them, for good')
    .description('take a version back, or all of them, for good: it can never be published again')
    .argument('<package>', 'with a version, or all of it: ui@1.0.0')
    .action(run(unpublish));
}

function changed(view: PackageView, what: string): Answer {
  const { name, revision } = view;
  return {
    data: view,
    text: (style) => `${style.green('changed')} ${clean(`${name}: ${what} (revision ${revision})`)}`,
  };
}

async function tag(
  session: Session,
  name: string,
  pairs: readonly string[],
  { remove: removed = [] }: { remove?: readonly string[] },
): Promise<Answer> {
  if (pairs.length + removed.length === 0) {
    throw usageError('tag=version', 'There is nothing to set or remove', 'Write: c13 packages tag ui next=2.0.0-rc.1.');
  }
  const set = Object.fromEntries(pairs.map(pairOf));
  const view = await (await packagesOf(session)).tag(name, { set, removed }, saidOf(session));
  const tags = Object.entries(view.tags).map(([one, version]) => `${one}=${version}`);
  return changed(view, tags.join(' '));
}

function pairOf(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw usageError('tag=version', `'${pair}' is not of the form tag=version`, 'Write next=2.0.0-rc.1.');
}

async function deprecate(
  session: Session,
  spec: string,
  message: string | undefined,
  { undo = false }: { undo?: boolean },
): Promise<Answer> {
  if ((message === undefined) !== undo) {
    throw usageError('message', 'Say why, or --undo', "Write: c13 packages deprecate 'ui@<2' 'use 2.0.0'.");
  }
  const { name, range } = splitSpec(spec);
  const packages = await packagesOf(session);
  const { versions } = await packages.get(name);
  const meant = versionsIn(
    versions.map(({ version }) => version),
    range,
    name,
  );
  const messages = Object.fromEntries(meant.map((version) => [version, message ?? null]));
  const view = await packages.deprecate(name, messages, saidOf(session));
  return changed(view, `${meant.join(' ')} ${undo ? 'not deprecated any more' : 'deprecated'}`);
}

async function unpublish(session: Session, spec: string): Promise<Answer> {
  const { name, range } = splitSpec(spec);
  const what = range === null ? `all versions of ${name}` : `${name}@${range}`;
  await session.confirm(`Take ${what} back, for good?`);
  await (await packagesOf(session)).unpublish(name, range, saidOf(session));
  return { data: { name, version: range }, text: () => `took back ${clean(what)}` };
}
