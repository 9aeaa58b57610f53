/**
 * What a file of changes would do, judged to the end before anything is done, against what is there now. Each change is
 * bound to the revision that it was judged against, so that what is shown is what happens. A plan changes nothing.
 * @module
 */
import { differencesOf, judge, named, type State, stateOf } from './config-state.ts';
import { featuresOf, type Target } from './target.ts';
import { ruleFor, type RuleInput } from '../config/declared-rules.ts';
import type { FeatureSet } from '../config/features.ts';
import { asObject, parseConfigInput, unknownField, wrongType } from '../config/input.ts';
import { configStream } from '../config/name.ts';
import { parsePercent, withRollout } from '../config/rollout.ts';
import { RULES } from '../config/rules.ts';
import { applyTemplate, findTemplate, parseTemplate } from '../config/templates.ts';
import type { Validation } from '../config/validation.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { momentOf, type BulkChange } from '../live/bulk.ts';
import { conflict } from '../live/config-slot.ts';
import type { ConfigView } from '../live/operations.ts';
import type { Moment } from '../live/past.ts';

export type Verb = 'set' | 'template' | 'rollback' | 'reset' | 'delete';

export interface PlannedChange {
  readonly name: string;
  readonly verb: Verb;
  /** The state it was judged against; null: there is no such config yet. */
  readonly before: ConfigView | null;
  /** What the target is given. */
  readonly change: BulkChange;
  /** In words: `+debug`, `rows 24->50`. */
  readonly changes: readonly string[];
  readonly warnings: Validation['warnings'];
}

/** Entries of the history that are looked through at once. */
const PAGE = 1000;

/**
 * The changes in a document: one, a list, or `{ changes: [...] }` as the registry takes them; lists may lie in lists.
 * What a change says is judged by `parseBulk`. Errors: ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD.
 */
export function changesIn(document: unknown): unknown[] {
  if (Array.isArray(document)) return document.flatMap(changesIn);
  // An empty document of YAML.
  if (document === null) return [];
  const fields = asObject('document', document);
  const { changes } = fields;
  if (changes === undefined) return [fields];
  const unknown = Object.keys(fields).find((field) => field !== 'changes');
  if (unknown !== undefined) throw unknownField(unknown, ['changes']);
  if (!Array.isArray(changes)) throw wrongType('changes', 'a list', changes);
  return changesIn(changes);
}

/**
 * In the order of the changes. Errors name the config: those of `parseConfigInput`, ERR_NOT_FOUND,
 * ERR_REVISION_CONFLICT, ERR_ENTRY_NOT_FOUND, ERR_UNKNOWN_TEMPLATE, and ERR_CONFIG_INVALID unless `force`.
 */
export async function planChanges(
  target: Target,
  changes: readonly BulkChange[],
  force: boolean,
): Promise<PlannedChange[]> {
  const rules = (await target.declared('rule')).filter(({ isBuiltin }) => !isBuiltin);
  const planned: PlannedChange[] = [];
  for (const change of changes) {
    try {
      planned.push(await planChange(target, change, rules as unknown as readonly OwnRule[], force));
    } catch (error) {
      throw named(change.name, error);
    }
  }
  return planned;
}

type OwnRule = RuleInput & { readonly code: string };

async function planChange(
  target: Target,
  change: BulkChange,
  own: readonly OwnRule[],
  force: boolean,
): Promise<PlannedChange> {
  const { name, expected } = change;
  const verb = verbOf(change);
  const before = await found(target, name, verb === 'reset' || verb === 'delete');
  const revision = before?.revision ?? 0;
  if (expected !== undefined && expected !== revision) throw conflict(expected, revision, configStream(name));
  const features = await featuresOf(target, name);
  const now = stateOf(before, features);
  const wanted = await wantedOf(target, change, now, features);
  const isForced = force || verb === 'rollback' || verb === 'delete';
  const rules = [...RULES, ...own.flatMap(({ code, ...rule }) => ruleFor(code, ruleOf(rule), features) ?? [])];
  const warnings = isForced ? [] : judge(name, features, now, wanted, rules);
  const said = expected === undefined ? { ...change, expected: revision } : change;
  return { name, verb, before, change: said, changes: differencesOf(now, wanted, features), warnings };
}

/** What is kept beside a rule is no part of it. */
function ruleOf({ severity, message, hint, when, require }: RuleInput): RuleInput {
  return { severity, message, hint, require, ...(when === undefined ? {} : { when }) };
}

function verbOf(change: BulkChange): Verb {
  const verbs: readonly Verb[] = ['template', 'rollback', 'reset', 'delete'];
  return verbs.find((verb) => change[verb] !== undefined) ?? 'set';
}

async function found(target: Target, name: string, isNeeded: boolean): Promise<ConfigView | null> {
  try {
    return await target.get(name);
  } catch (error) {
    if (isNeeded || !isConfigError(error) || error.code !== 'ERR_NOT_FOUND') throw error;
    return null;
  }
}

async function wantedOf(target: Target, change: BulkChange, now: State, features: FeatureSet): Promise<State> {
  const { name, set, template, rollback } = change;
  if (set !== undefined) return setTo(set, now, features);
  if (rollback !== undefined) return await stateAt(target, name, momentOf(rollback), features);
  if (template === undefined) return stateOf(null, features);
  const known = (await target.templates(name)).map((one) => parseTemplate(one, features));
  return { ...now, config: applyTemplate(now.config, findTemplate(template, known)) };
}

function setTo(input: unknown, { config, rollouts }: State, features: FeatureSet): State {
  const { rollouts: percentages = {}, ...fields } = asObject('set', input);
  const moved = Object.entries(asObject('rollouts', percentages)).reduce(
    (all, [feature, percent]) =>
      withRollout(all, features.bitOf(feature), parsePercent(percent, `rollouts.${feature}`)),
    rollouts,
  );
  return { config: parseConfigInput(fields, config, features), rollouts: moved };
}

/** From the history, newest first: the first change that is not after the moment. Throws ERR_ENTRY_NOT_FOUND. */
async function stateAt(target: Target, name: string, moment: Moment, features: FeatureSet): Promise<State> {
  const { revision, seq, at } = moment;
  const bound = at === undefined ? {} : { until: at };
  for (let cursor = revision === undefined ? undefined : revision + 1; ;) {
    const page = await target.history(name, { ...bound, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    const past = page.entries.find((entry) =>
      seq === undefined ? revision === undefined || entry.revision === revision : (entry.seq ?? seq + 1) <= seq,
    );
    if (past !== undefined) return stateOf({ ...past.config, rollouts: past.rollouts ?? {} }, features);
    if (page.cursor === null || revision !== undefined) break;
    cursor = page.cursor;
  }
  throw new ConfigError('ERR_ENTRY_NOT_FOUND', {
    message: `Nothing is known of the config then: ${JSON.stringify(moment)}`,
    hint: `See what there is: c13 history --name ${name}.`,
    details: { what: configStream(name) },
  });
}
