/** Commands about trusted publishers: workflows that publish a package without a token. @module */
import type { Command } from 'commander';
import { usageError } from '../failure.ts';
import { packagesOf, saidOf } from '../package-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, table } from '../text.ts';

export function addPackageTrust(packages: Command): void {
  takes(packages.command('trusted'), ...REGISTRY)
    .description('list the workflows that may publish a package without a token')
    .argument('<package>')
    .action(run(trusted));
  takes(packages.command('trust'), ...REGISTRY, 'reason', 'ifRevision')
    .summary('let a workflow publish a package')
    .description('let a workflow publish a package, known by what its identity token says')
    .argument('<package>')
    .argument('<claim=value...>', "repository=acme/ui 'workflow_ref=acme/ui/.github/workflows/release.yml@*'")
    .requiredOption('--issuer <url>', 'whose tokens count: https://token.actions.githubusercontent.com')
    .action(run(trust));
  takes(packages.command('distrust'), ...REGISTRY, 'reason', 'ifRevision')
    .description('let a workflow publish a package no longer')
    .argument('<package>')
    .argument('<id>', 'of the trusted publisher, as `c13 packages trusted` lists it')
    .action(run(distrust));
}

async function trusted(session: Session, name: string): Promise<Answer> {
  const found = await (await packagesOf(session)).trusted(name);
  const rows = found.map(({ id, issuer, claims }) => [id, issuer, claimsText(claims)]);
  return { data: { trustedPublishers: found }, text: (style) => table(style, ['id', 'issuer', 'claims'], rows) };
}

async function trust(
  session: Session,
  name: string,
  pairs: readonly string[],
  { issuer }: { issuer: string },
): Promise<Answer> {
  const claims = Object.fromEntries(pairs.map(pairOf));
  const made = await (await packagesOf(session)).trust(name, { issuer, claims }, saidOf(session));
  return {
    data: made,
    text: (style) => `${style.green('trusted')} ${clean(`${claimsText(made.claims)} to publish ${name} (${made.id})`)}`,
  };
}

async function distrust(session: Session, name: string, id: string): Promise<Answer> {
  await (await packagesOf(session)).distrust(name, id, saidOf(session));
  return { data: { id }, text: () => `${clean(id)} publishes ${clean(name)} no longer` };
}

function pairOf(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw usageError('claim=value', `'${pair}' is not of the form claim=value`, 'Write repository=acme/ui.');
}

function claimsText(claims: Readonly<Record<string, string>>): string {
  return Object.entries(claims)
    .map(([claim, value]) => `${claim}=${value}`)
    .join(' ');
}
