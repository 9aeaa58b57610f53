/**
 * How the attributes of LaunchDarkly's contexts are called in OpenFeature's: those of a user at the top, those of every
 * other kind of context in an object of its name.
 * @module
 */
import type { ConversionOptions } from './conversion.ts';
import type { Findings, Report } from './findings.ts';
import type { LaunchDarklyModel } from './launchdarkly-model.ts';
import { attributePath } from './logic.ts';

/** What the conditions of one flag are made of. */
export interface LaunchDarklyMaking {
  readonly model: LaunchDarklyModel;
  readonly options: ConversionOptions;
  readonly findings: Findings;
  readonly report: Report;
  /** How many more segments and prerequisites may be written into this flag. */
  readonly budget: { left: number };
}

/** @example contextPath('organization', ['key'], {}, say) // 'organization.key' */
export function contextPath(
  kind: string,
  names: readonly string[],
  { userKey = 'key', contextMap = {} }: ConversionOptions,
  say: (message: string) => void,
): string {
  if (!isUser(kind)) say(`Callers have to send ${kind} as an object: {"${kind}":{"key":...}}`);
  const field = [...(isUser(kind) ? [] : [kind]), ...names].join('.');
  if (Object.hasOwn(contextMap, field)) return contextMap[field]!;
  if (isUser(kind)) return names.length === 1 && names[0] === userKey ? 'targetingKey' : attributePath(names);
  return attributePath([kind, ...names]);
}

export function isUser(kind: string): boolean {
  return kind === '' || kind === 'user';
}
