/** Answers that several commands give, in the same words. @module */
import type { Answer } from './printer.ts';
import { clean, facts, timeText } from './text.ts';
import type { ConfigView, WrittenConfig } from '../live/operations.ts';
import { terminalModeName } from '../config/value.ts';

/** A change that was asked for: where the config is now, or that it was so already. */
export function written(what: string, result: WrittenConfig): Answer {
  const { config, changed, warnings } = result;
  return {
    data: result,
    warnings,
    text: (style) => {
      const place = clean(`${config.name}, revision ${config.revision}`);
      return changed ? `${style.green(clean(what))} (${place})` : `${clean(what)}: it was so already (${place})`;
    },
  };
}

/** A config, a line for each thing that one wants to know. */
export function configAnswer(view: ConfigView): Answer {
  return { data: view, text: (style) => facts(style, factsOf(view)) };
}

/** `50x120 raw` */
export function terminalText({ rows, cols, terminalMode }: Pick<ConfigView, 'rows' | 'cols' | 'terminalMode'>): string {
  return `${rows}x${cols} ${terminalModeName(terminalMode) ?? terminalMode}`;
}

/** Percent of the keys, 0 where the feature is not being rolled out. */
export function rolloutOf({ rollouts }: Pick<ConfigView, 'rollouts'>, feature: string): number {
  return Object.hasOwn(rollouts, feature) ? rollouts[feature]! : 0;
}

function factsOf(view: ConfigView): Record<string, unknown> {
  const { name, revision, version, features, rollouts, lastModified, checksum, hex, registryHash } = view;
  return {
    name,
    revision,
    version,
    features: features.enabled,
    rollouts: Object.entries(rollouts).map(([feature, percent]) => `${feature} ${percent} %`),
    terminal: terminalText(view),
    registryHash: `0x${registryHash.toString(16).padStart(8, '0')}`,
    modified: timeText(lastModified),
    checksum,
    bytes: hex,
  };
}
