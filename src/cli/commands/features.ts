/** Commands about features: enable, disable, list, declare. @module */
import type { Command } from 'commander';
import { written } from '../answers.ts';
import { group } from '../group.ts';
import { READS_CONFIG, takes, WRITES_CONFIG } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { table } from '../text.ts';
import { parseBits } from '../values.ts';

export function addFeatures(program: Command): void {
  const feature = group(program, 'feature', 'turn features on and off, list them, name new ones');
  takes(feature.command('enable'), ...WRITES_CONFIG, 'force')
    .description('turn features on for everyone')
    .argument('<feature...>')
    .action(run((session, features: string[]) => turn(session, features, true)));
  takes(feature.command('disable'), ...WRITES_CONFIG, 'force')
    .description('turn features off; rollouts stay as they are')
    .argument('<feature...>')
    .action(run((session, features: string[]) => turn(session, features, false)));
  takes(feature.command('list'), ...READS_CONFIG)
    .description('list the features of a config')
    .action(run(list));
  takes(feature.command('declare'), ...READS_CONFIG, 'actor')
    .description("name bits 12-31 for the config's service")
    .argument('<name=bit...>', 'new_checkout=12')
    .action(run(declare));
}

async function turn(session: Session, features: string[], on: boolean): Promise<Answer> {
  const write = session.write();
  const input = { features: Object.fromEntries(features.map((feature) => [feature, on])) };
  const result = await (await session.target()).set(session.name, input, write);
  return written(`${features.join(', ')} ${features.length === 1 ? 'is' : 'are'} ${on ? 'on' : 'off'}`, result);
}

async function list(session: Session): Promise<Answer> {
  const features = await (await session.target()).features(session.name);
  const rows = features.map(({ feature, bit, enabled, rollout }) => [
    feature,
    String(bit),
    enabled ? 'on' : 'off',
    rollout === 0 ? '' : `${rollout} %`,
  ]);
  return { data: { features }, text: (style) => table(style, ['feature', 'bit', 'state', 'rollout'], rows) };
}

async function declare(session: Session, pairs: string[]): Promise<Answer> {
  const write = session.write();
  const declaration = await (await session.target()).declare(session.name, parseBits(pairs), write);
  const rows = Object.entries(declaration).map(([feature, bit]) => [feature, String(bit)]);
  return { data: { features: declaration }, text: (style) => table(style, ['feature', 'bit'], rows) };
}
