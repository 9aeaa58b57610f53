/**
 * What an import would do, judged to the end before anything is done: every name, every declaration and every value of
 * every config, against what is there now. A plan changes nothing.
 * @module
 */
import { differencesOf, judge, naming, stateOf } from './config-state.ts';
import { allConfigs, type Target } from './target.ts';
import { rolloutOf } from './answers.ts';
import { BUILTIN_FEATURES, type FeatureDeclaration, type FeatureSet, mergeFeatures } from '../config/features.ts';
import { asObject, parseConfigInput } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { noRollouts, parsePercent, percentOf, withRollout } from '../config/rollout.ts';
import { declarationOf, type ExportDocument } from '../live/export.ts';
import type { ConfigView } from '../live/operations.ts';

export interface PlannedConfig {
  readonly name: string;
  /** The state it was judged against; null: there is no such config yet. */
  readonly before: ConfigView | null;
  /** What `set` is given. */
  readonly input: Readonly<Record<string, unknown>>;
  /** In words: `+debug`, `rows 24->50`. */
  readonly changes: readonly string[];
}

export interface ImportPlan {
  /** Services whose declaration grows, each with all its features. */
  readonly declarations: readonly { readonly service: string; readonly features: FeatureDeclaration }[];
  readonly configs: readonly PlannedConfig[];
  /** Configs that are as the document says already. */
  readonly unchanged: readonly string[];
}

/** Errors name the config: those of `parseConfigInput`, `mergeFeatures` and ERR_CONFIG_INVALID (unless `force`). */
export async function planImport(target: Target, document: ExportDocument, force: boolean): Promise<ImportPlan> {
  const present = new Map((await allConfigs(target)).map((view) => [view.name, view]));
  const featureSets = await featuresAfter(target, document, [...present.values()]);
  const planned = Object.entries(document.configs).map(([name, input]) =>
    naming(name, () => planConfig(name, input, present.get(name) ?? null, featureSets, force)),
  );
  return {
    declarations: featureSets.grown,
    configs: planned.filter(({ before, changes }) => before === null || changes.length > 0),
    unchanged: planned.filter(({ before, changes }) => before !== null && changes.length === 0).map(({ name }) => name),
  };
}

interface FeaturesAfter {
  of(name: string): FeatureSet;
  readonly grown: ImportPlan['declarations'];
}

/** What every service will call its bits: what it does now, and what the document adds. */
async function featuresAfter(
  target: Target,
  { features, configs }: ExportDocument,
  present: readonly ConfigView[],
): Promise<FeaturesAfter> {
  const services = new Set([
    ...Object.keys(features),
    ...Object.keys(configs).map((name) => parseConfigName(name).service),
  ]);
  const sets = new Map<string, FeatureSet>();
  const grown: { service: string; features: FeatureDeclaration }[] = [];
  for (const service of services) {
    const own = present.filter(({ name }) => parseConfigName(name).service === service);
    const stored = own[0] === undefined ? {} : await declarationOf(target, own[0].name);
    const added = Object.hasOwn(features, service) ? features[service]! : {};
    const merged = naming(`features of ${service}`, () =>
      mergeFeatures(
        stored,
        added,
        own.map((view) => useOf(view, stored)),
      ),
    );
    sets.set(service, merged);
    if (Object.entries(added).some(([name, bit]) => !Object.hasOwn(stored, name) || stored[name] !== bit)) {
      grown.push({ service, features: added });
    }
  }
  return { grown, of: (name) => sets.get(parseConfigName(name).service) ?? BUILTIN_FEATURES };
}

/** Where a config has bits in use that a declaration may want. */
function useOf(view: ConfigView, declaration: FeatureDeclaration) {
  const rollouts = Object.entries(declaration).reduce(
    (all, [feature, bit]) => withRollout(all, bit, parsePercent(rolloutOf(view, feature))),
    noRollouts(),
  );
  return { featureFlags: view.featureFlags, rollouts };
}

function planConfig(
  name: string,
  entry: unknown,
  before: ConfigView | null,
  featuresAfter: FeaturesAfter,
  force: boolean,
): PlannedConfig {
  const features = featuresAfter.of(name);
  const { rollouts: percentages, ...fields } = asObject('config', entry);
  const now = stateOf(before, features);
  const wanted = {
    config: parseConfigInput(fields, now.config, features),
    rollouts: percentages === undefined ? now.rollouts : wantedRollouts(percentages, features),
  };
  if (!force) judge(name, features, now, wanted);
  const input = percentages === undefined ? fields : { ...fields, rollouts: percentTable(wanted.rollouts, features) };
  return { name, before, input, changes: differencesOf(now, wanted, features) };
}

/** A document says the whole: features that it does not name are rolled out to nobody. */
function wantedRollouts(percentages: unknown, features: FeatureSet): Uint16Array {
  return Object.entries(asObject('rollouts', percentages)).reduce(
    (all, [feature, percent]) =>
      withRollout(all, features.bitOf(feature), parsePercent(percent, `rollouts.${feature}`)),
    noRollouts(),
  );
}

function percentTable(rollouts: Uint16Array, features: FeatureSet): Record<string, number> {
  return Object.fromEntries(features.names.map((name) => [name, percentOf(rollouts[features.bitOf(name)]!)]));
}
