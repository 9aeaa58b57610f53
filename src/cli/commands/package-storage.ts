/** Commands about the tarballs behind packages: whether they are whole, and what nothing needs any more. @module */
import type { Command } from 'commander';
import { packagesOf } from '../package-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { countText, sizeText, table } from '../text.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { HttpPackages } from '../http-packages.ts';
import type { CollectedView, ScrubbedView } from '../../registry/routes/v1/package-storage-shapes.ts';

export function addPackageStorage(packages: Command): void {
  takes(packages.command('scrub'), ...REGISTRY)
    .summary('read every tarball again, and compare')
    .description('read every tarball again and compare it with its hash; one that is damaged or missing is a failure')
    .action(run(scrub));
  takes(packages.command('collect'), ...REGISTRY, 'yes')
    .summary('show which tarballs nothing needs')
    .description('show which tarballs no version names, nor did in the last 30 days; with --delete, delete them')
    .option('--delete', 'delete them')
    .action(run(collect));
}

const PARTS = 100;

async function scrub(session: Session): Promise<Answer> {
  using progress = session.progress('scrub');
  const packages = await packagesOf(session);
  const damaged: ScrubbedView['damaged'][number][] = [];
  let [checked, checked_bytes] = [0, 0];
  for (let cursor: string | null = ''; cursor !== null;) {
    session.interrupt.signal.throwIfAborted();
    const part: ScrubbedView = await packages.scrub(cursor);
    damaged.push(...part.damaged);
    checked += part.checked;
    checked_bytes += part.checked_bytes;
    progress.update(Math.round(part.progress * PARTS), PARTS);
    ({ cursor } = part);
  }
  const rows = damaged.map(({ name, version, fault, hash }) => [`${name}@${version}`, fault, hash.slice(0, 16)]);
  const last = `${countText(checked, 'blob')}, ${sizeText(checked_bytes)}`;
  return {
    data: { checked, checked_bytes, damaged },
    text: (style) =>
      rows.length === 0
        ? `${style.green('whole')} ${last}`
        : `${table(style, ['version', 'fault', 'blob'], rows)}\n\n${style.red(`${rows.length} damaged`)} of ${last}`,
    ...(rows.length === 0 ? {} : { fault: damage(damaged) }),
  };
}

function damage(damaged: readonly ScrubbedView['damaged'][number][]): ConfigError<'ERR_BLOB'> & { code: 'ERR_BLOB' } {
  const [{ hash, fault }] = damaged as [ScrubbedView['damaged'][number]];
  return new ConfigError('ERR_BLOB', {
    message: `${countText(damaged.length, 'blob is', 'blobs are')} damaged or missing`,
    hint: 'Put the files back from a backup of the blobs; what they hold is known by its hash, and is taken as it is.',
    details: { hash, fault },
  });
}

async function collect(session: Session, options: { delete?: boolean }): Promise<Answer> {
  const packages = await packagesOf(session);
  const plan = await collected(session, packages, true);
  const what = `${plan.unnamed} of ${countText(plan.seen, 'blob')} that nothing needs, ${sizeText(plan.unnamed_bytes)}`;
  if (options.delete !== true || plan.unnamed === 0) return { data: plan, text: () => `found ${what}` };
  await session.confirm(`Delete ${what}?`);
  const done = await collected(session, packages, false);
  return { data: done, text: (style) => `${style.green('deleted')} ${countText(done.unnamed, 'blob')}` };
}

/** Of all parts. */
async function collected(
  session: Session,
  packages: HttpPackages,
  dryRun: boolean,
): Promise<Omit<CollectedView, 'cursor' | 'progress'>> {
  using progress = session.progress('collect');
  let [seen, unnamed, unnamed_bytes] = [0, 0, 0];
  for (let cursor: string | null = ''; cursor !== null;) {
    session.interrupt.signal.throwIfAborted();
    const part: CollectedView = await packages.collect(dryRun, cursor);
    seen += part.seen;
    unnamed += part.unnamed;
    unnamed_bytes += part.unnamed_bytes;
    progress.update(Math.round(part.progress * PARTS), PARTS);
    ({ cursor } = part);
  }
  return { dryRun, seen, unnamed, unnamed_bytes };
}
