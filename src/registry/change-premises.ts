/**
 * What the operations of a change request mean only together with something that others may change: a template, a past
 * state, the shared rules a flag refers to. Told as hashes, so that what was approved can be compared with what would
 * be made; and templates as what they say, so that between that comparison and the append nothing comes.
 * @module
 */
import { createHash } from 'node:crypto';
import type { Operation, Premise } from '../changes/change-request.ts';
import { configStream, parseConfigName } from '../config/name.ts';
import { subjectOf } from '../config/streams.ts';
import type { Flag } from '../flags/flag.ts';
import type { Flags } from '../flags/flags.ts';
import { momentOf, parseBulk, type BulkChange } from '../live/bulk.ts';
import type { ConfigOperations } from '../live/operations.ts';
import { configState } from './change-states.ts';
import type { Target } from './change-targets.ts';

export interface ChangePremisesOptions {
  readonly operations: Pick<ConfigOperations, 'declarations'> & {
    readonly store: Pick<ConfigOperations['store'], 'features' | 'stateAt'>;
  };
  readonly flags: Pick<Flags, 'findSet'>;
}

/** What operations rest on, and what the templates among them say: values by field, by the config's stream. */
export interface Meaning {
  readonly premises: readonly Premise[];
  readonly templates: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** Parts of a flag that its rules count in. */
const MEANING: readonly string[] = ['definition', 'archivedAt'];
const FEATURE = 'features.';

export class ChangePremises {
  readonly #options: ChangePremisesOptions;

  constructor(options: ChangePremisesOptions) {
    this.#options = options;
  }

  /** Of one step, whose targets were foreseen. Errors: those of the operations. */
  async of(operations: readonly Operation[], targets: readonly Target[]): Promise<Meaning> {
    const premises: Premise[] = [];
    const templates = new Map<string, Readonly<Record<string, unknown>>>();
    for (const { name, template, rollback } of configsOf(operations)) {
      if (template !== undefined) {
        const said = await this.#saidBy(template, name);
        templates.set(configStream(name), said);
        premises.push(premise(`template ${template} for ${name}`, said));
      }
      if (rollback !== undefined) {
        const past = configState(await this.#options.operations.store.stateAt(name, momentOf(rollback)));
        premises.push(premise(`the state of ${name} at ${JSON.stringify(rollback)}`, past));
      }
    }
    for (const target of targets) premises.push(...(await this.#ofFlag(target)));
    return { premises, templates };
  }

  async #saidBy(template: string, config: string): Promise<Readonly<Record<string, unknown>>> {
    const { declarations, store } = this.#options.operations;
    const features = await store.features(config);
    const { set, clear, terminalMode, rows, cols } = await declarations.templateFor(template, features);
    const bits = [
      ...features.enabledIn(set).map((name) => [`features.${name}`, true]),
      ...features.enabledIn(clear).map((name) => [`features.${name}`, false]),
    ];
    const fields = Object.entries({ terminalMode, rows, cols }).filter(([, value]) => value !== undefined);
    return Object.fromEntries([...bits, ...fields]);
  }

  async #ofFlag({ stream, next, difference }: Target): Promise<readonly Premise[]> {
    const subject = subjectOf(stream);
    if (subject?.kind !== 'flag' || next === null) return [];
    if (!difference.changes.some(({ field }) => MEANING.includes(field))) return [];
    const { config } = subject;
    const flag = next as Flag;
    const evaluators = (await this.#options.flags.findSet(config))?.value.evaluators ?? {};
    const names = referredTo(flag.definition.targeting, evaluators);
    return [...names].map((name) => premise(`evaluator ${name} of ${config}`, evaluators[name]));
  }
}

/**
 * The operations with each template as what it says, of what was foreseen to change: so that nothing comes between the
 * comparison of what it says and the append.
 */
export function spelledOut(
  operations: readonly Operation[],
  targets: readonly Target[],
  templates: Meaning['templates'],
): readonly Operation[] {
  return operations.map((operation) => {
    if (operation['template'] === undefined) return operation;
    const { name } = parseConfigName(operation['name']);
    const said = templates.get(configStream(name))!;
    const { changes } = targets.find(({ stream }) => stream === configStream(name))!.difference;
    const fields = changes.map(({ field }) => field).filter((field) => Object.hasOwn(said, field));
    const features = fields
      .filter((field) => field.startsWith(FEATURE))
      .map((field) => [field.slice(FEATURE.length), said[field]]);
    const others = fields.filter((field) => !field.startsWith(FEATURE)).map((field) => [field, said[field]]);
    return { name, set: { ...Object.fromEntries(others), features: Object.fromEntries(features) } };
  });
}

function configsOf(operations: readonly Operation[]): readonly BulkChange[] {
  const configs = operations.filter(({ name }) => name !== undefined);
  return configs.length === 0 ? [] : parseBulk(configs);
}

/** Names of shared rules, also of those that they refer to themselves. */
function referredTo(
  rules: unknown,
  evaluators: Readonly<Record<string, unknown>>,
  found: Set<string> = new Set(),
): ReadonlySet<string> {
  if (typeof rules !== 'object' || rules === null) return found;
  const { $ref: name, ...inner } = rules as Readonly<Record<string, unknown>>;
  if (typeof name === 'string' && !found.has(name)) {
    found.add(name);
    if (Object.hasOwn(evaluators, name)) referredTo(evaluators[name], evaluators, found);
  }
  for (const value of Object.values(inner)) referredTo(value, evaluators, found);
  return found;
}

function premise(what: string, value: unknown): Premise {
  return {
    what,
    hash: createHash('sha256')
      .update(JSON.stringify(value ?? null))
      .digest('hex'),
  };
}
