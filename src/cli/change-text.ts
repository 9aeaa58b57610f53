/** What a change did, in a few words: `+debug -metrics rows 24->50`. @module */
import type { FeatureSet } from '../config/features.ts';
import {
  CONFIG_FIELDS,
  type ConfigField,
  DEFAULT_CONFIG,
  type RegistryConfig,
  terminalModeName,
} from '../config/value.ts';
import type { HistoryEntry } from '../live/history.ts';

/** Of an entry of the history: against the defaults for the first; what cannot be told from it is named alone. */
export function changesText(entry: HistoryEntry, features: FeatureSet, arrow: string): string {
  const { kind, config, changedFields, rollouts } = entry;
  const before = kind === 'create' ? DEFAULT_CONFIG : entry.before;
  const fields =
    before === null
      ? changedFields.filter((field) => field !== 'rollouts')
      : differences(before, config, features, arrow);
  if (!changedFields.includes('rollouts')) return fields.join(' ');
  const now = Object.entries(rollouts ?? {}).map(([feature, percent]) => `${feature} ${percent}%`);
  return [...fields, `rollouts: ${now.join(' ') || 'none'}`].join(' ');
}

/** @example differences(before, after, features, '->') // ['+debug', 'rows 24->50'] */
export function differences(
  before: RegistryConfig,
  after: RegistryConfig,
  features: FeatureSet,
  arrow: string,
): string[] {
  return CONFIG_FIELDS.filter(({ name }) => before[name] !== after[name]).flatMap(({ name }) => {
    if (name !== 'featureFlags') return [`${name} ${valueText(name, before)}${arrow}${valueText(name, after)}`];
    const on = features.enabledIn(after.featureFlags & ~before.featureFlags);
    const off = features.enabledIn(before.featureFlags & ~after.featureFlags);
    return [...on.map((feature) => `+${feature}`), ...off.map((feature) => `-${feature}`)];
  });
}

function valueText(field: ConfigField, config: RegistryConfig): string {
  const value = config[field];
  if (field === 'registryHash') return `0x${value.toString(16).padStart(8, '0')}`;
  return field === 'terminalMode' ? (terminalModeName(value) ?? String(value)) : String(value);
}
