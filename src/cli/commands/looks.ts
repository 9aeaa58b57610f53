/** Commands that only look: status, list, get, validate. @module */
import type { Command } from 'commander';
import { configAnswer, rolloutOf, terminalText } from '../answers.ts';
import { READS_CONFIG, takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { allConfigs, featuresOf, type Target } from '../target.ts';
import { clean, facts, table, timeText } from '../text.ts';
import { asPair, parsePairs } from '../values.ts';
import type { Validation } from '../../config/validation.ts';
import { ConfigError } from '../../errors/errors.ts';
import { nearest } from '../../errors/nearest.ts';
import type { ListQuery } from '../../live/operations.ts';

export function addLooks(program: Command): void {
  takes(program.command('status'), ...TARGET)
    .description('show the registry or database that is spoken to')
    .action(run(status));
  takes(program.command('list'), ...TARGET)
    .description('list the configs, or those that have features on or off')
    .option('--on <features>', 'only configs with all of these on: debug,metrics', names)
    .option('--off <features>', 'only configs with none of these on', names)
    .option('--service <service>', "only this service's configs; knows its own features")
    .action(run(list));
  takes(program.command('get'), ...READS_CONFIG)
    .description('show a config, or one field of it')
    .argument('[field]', 'rows, features.debug, rollouts.new_checkout, ...')
    .action(run(get));
  takes(program.command('validate'), ...READS_CONFIG)
    .description('judge a config, or what it would be with other values; exit code 1 when it is invalid')
    .argument('[field=value...]', 'rows=50, features.debug=true, ...')
    .action(run(validate));
}

async function status(session: Session): Promise<Answer> {
  const target = await session.target();
  const found = { target: target.kind, address: target.address, ...(await target.status()) };
  return { data: found, text: (style) => facts(style, found) };
}

/** `debug,metrics` */
function names(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

async function list(session: Session, wanted: Pick<ListQuery, 'on' | 'off' | 'service'>): Promise<Answer> {
  const { on, off, service } = wanted;
  using progress = session.progress('list');
  const listing = allConfigs(await session.target(), {
    ...(on === undefined ? {} : { on }),
    ...(off === undefined ? {} : { off }),
    ...(service === undefined ? {} : { service }),
  });
  const configs = await progress.during(listing);
  const rows = configs.map((view) => [
    view.name,
    String(view.revision),
    timeText(view.lastModified),
    terminalText(view),
    view.features.enabled.join(' '),
  ]);
  return {
    data: { configs },
    text: (style) => table(style, ['config', 'revision', 'modified', 'terminal', 'features'], rows),
  };
}

async function get(session: Session, field: string | undefined): Promise<Answer> {
  const view = await (await session.target()).get(session.name);
  if (field === undefined) return configAnswer(view);
  const { enabled, disabled } = view.features;
  const features = Object.fromEntries([
    ...enabled.map((feature) => [`features.${feature}`, true]),
    ...disabled.map((feature) => [`features.${feature}`, false]),
  ]) as Record<string, boolean>;
  const rollouts = Object.fromEntries(
    [...enabled, ...disabled].map((feature) => [`rollouts.${feature}`, rolloutOf(view, feature)]),
  );
  const values: Record<string, unknown> = { ...view, ...features, ...rollouts };
  if (!Object.hasOwn(values, field)) throw unknownField(field, Object.keys(view), Object.keys(values));
  const value = values[field];
  return { data: value, text: () => clean(typeof value === 'string' ? value : JSON.stringify(value)) };
}

async function validate(session: Session, pairs: string[]): Promise<Answer> {
  const target = await session.target();
  const found = await target.validate(session.name, pairs.length === 0 ? undefined : parsePairs(pairs));
  const { isValid, errors, warnings } = found;
  const count = warnings.length === 0 ? '' : `, ${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
  const answer: Answer = {
    data: found,
    warnings,
    text: (style) => (isValid ? `${style.green('valid')}${count}` : `invalid${count}`),
  };
  if (isValid) return answer;
  const fault = new ConfigError('ERR_CONFIG_INVALID', {
    message: errors.map(({ message }) => message).join('; '),
    hint: await hintOf(target, session.name, errors),
    details: { issues: errors },
  });
  return { ...answer, fault };
}

/** Of the first that has one; who gave a feature for a field is told how to write it. */
async function hintOf(target: Target, name: string, errors: Validation['errors']): Promise<string> {
  const advised = errors.find(({ hint }) => hint !== undefined);
  if (advised?.code !== 'ERR_UNKNOWN_FIELD') return advised?.hint ?? 'Correct the named fields.';
  return (await featuresOf(target, name)).has(advised.path) ? asPair(advised.path) : advised.hint!;
}

/** Suggests from all there are, and lists the features as one. */
function unknownField(field: string, fields: readonly string[], all: readonly string[]): ConfigError {
  const known = [...fields, 'features.<feature>', 'rollouts.<feature>'];
  const shown = field.slice(0, 80);
  const features = all.filter((name) => name.startsWith('features.')).map((name) => name.slice('features.'.length));
  const feature = nearest(shown, features);
  const isFeature = feature !== null && (features.includes(shown) || nearest(shown, all) === null);
  const suggestion = isFeature ? `features.${feature}` : nearest(shown, all);
  return new ConfigError('ERR_UNKNOWN_FIELD', {
    message: `Unknown field: ${shown}. Available: ${known.join(', ')}`,
    hint: suggestion === null ? 'Ask for one of these.' : `Did you mean '${suggestion}'?`,
    details: { field, known },
  });
}
