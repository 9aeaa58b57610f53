/** Commands that change a rich flag, or ask for the change. @module */
import type { Command } from 'commander';
import { readDocument } from '../document.ts';
import { usageError } from '../failure.ts';
import { changed, factsOf, flagsOf, found, saidOf, submit } from '../flag-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { type Asking, asking, isAsked } from '../proposals.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean } from '../text.ts';
import { asObject } from '../../config/input.ts';

const WRITES = [...REGISTRY, 'name', 'reason', 'ifRevision'] as const;
/** Of what `show --json` prints: all that nobody says. */
const KNOWN_BY_ITSELF = ['config', 'key', 'archivedAt', 'isBound', 'lastEvaluatedAt', 'modifiedAt', 'modifiedBy'];

export function addFlagChanges(flags: Command): void {
  asking(takes(flags.command('set'), ...WRITES, 'force'))
    .description('make or replace a flag')
    .argument('<flag>')
    .argument('<file>', "JSON or YAML: flagd's definition, or what `show --json` printed; - reads stdin")
    .action(run(set));
  for (const verb of ['archive', 'restore'] as const) {
    asking(takes(flags.command(verb), ...WRITES, 'force'))
      .description(verb === 'archive' ? 'keep a flag, but evaluate it no more' : 'take a flag out of the archive')
      .argument('<flag>')
      .action(run((session, key: string, options: Asking) => move(session, key, verb, options)));
  }
  asking(takes(flags.command('delete'), ...WRITES, 'yes'))
    .description('delete a flag; its history stays')
    .argument('<flag>')
    .action(run(remove));
}

async function set(session: Session, key: string, file: string, options: Asking): Promise<Answer> {
  const flags = await flagsOf(session);
  const said = saidOf(session);
  const given = asObject('flag', await readDocument(file));
  if (typeof given['key'] === 'string' && given['key'] !== key) {
    throw usageError(key, `The file is the flag '${given['key']}'`, `Name it so, or take its key out of the file.`);
  }
  const kept = Object.entries(given).filter(([field]) => ![...KNOWN_BY_ITSELF, 'revision'].includes(field));
  // A definition alone says nothing about the flag: what is said about it stays.
  const isBare = !Object.hasOwn(given, 'definition');
  const before = isBare ? await found(flags.get(key)) : null;
  const input = isBare ? { ...factsOf(before), definition: Object.fromEntries(kept) } : Object.fromEntries(kept);
  const revision = isBare ? (before?.revision ?? 0) : given['revision'];
  const expected = said.expected ?? (typeof revision === 'number' ? revision : undefined);
  const change = { key, change: { put: input }, expected };
  return await submit(session, options, change, async () =>
    changed(await flags.put(key, input, { ...said, expected }), 'saved', expected),
  );
}

async function move(session: Session, key: string, verb: 'archive' | 'restore', options: Asking): Promise<Answer> {
  const said = saidOf(session);
  const change = { key, change: { [verb]: true }, expected: said.expected };
  return await submit(session, options, change, async () => {
    const flag = await (await flagsOf(session)).move(key, verb, said);
    return changed(flag, verb === 'archive' ? 'archived' : 'restored', said.expected);
  });
}

async function remove(session: Session, key: string, options: Asking): Promise<Answer> {
  const said = saidOf(session);
  if (!isAsked(options)) await session.confirm(`Delete the flag ${clean(key)} of ${session.name}?`);
  return await submit(session, options, { key, change: { delete: true }, expected: said.expected }, async () => {
    await (await flagsOf(session)).delete(key, said);
    return { data: { key }, text: () => `deleted flag ${clean(key)}` };
  });
}
