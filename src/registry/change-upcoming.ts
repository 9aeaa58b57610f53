/**
 * Changes of a config that can be told ahead, so that clients make them on time by themselves: the next steps of
 * requests that nobody has to approve any more, where they set plain values.
 * @module
 */
import type { ChangeRequests } from '../changes/change-requests.ts';
import { dueAt, nextStep, type Operation } from '../changes/change-request.ts';
import { BUILTIN_FEATURES, type FeatureSet } from '../config/features.ts';
import { asObject, parseConfigInput } from '../config/input.ts';
import { parsePercent, percentOf } from '../config/rollout.ts';
import { CONFIG_FIELDS, DEFAULT_CONFIG } from '../config/value.ts';
import type { ConfigPatch, Upcoming } from '../websocket/subprotocol.ts';

const PLAIN = CONFIG_FIELDS.map(({ name }) => name).filter((name) => name !== 'featureFlags');
const TOLD: readonly string[] = [...PLAIN, 'features', 'rollouts'];

/**
 * In the order of their moments. `features`: what the config's bits are called now.
 * @example await upcoming(requests, 'checkout/production', await store.features('checkout/production'))
 */
export async function upcoming(
  requests: Pick<ChangeRequests, 'open'>,
  name: string,
  features: FeatureSet = BUILTIN_FEATURES,
): Promise<readonly Upcoming[]> {
  const found = (await requests.open()).flatMap(({ key: id, value }) => {
    const at = dueAt(value);
    const operation =
      at === null ? undefined : value.steps[nextStep(value)]!.operations.find((one) => one['name'] === name);
    const patch = operation === undefined ? null : patchOf(operation, features);
    return at === null || patch === null ? [] : [{ id, at, patch }];
  });
  return found.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** null: what it does depends on what is there by then. */
function patchOf({ set }: Operation, features: FeatureSet): ConfigPatch | null {
  if (set === undefined) return null;
  const input = asObject('set', set);
  const { features: switched = {}, rollouts = {}, ...fields } = input;
  const switches = Object.entries(asObject('features', switched));
  const percents = Object.entries(asObject('rollouts', rollouts)).map(([feature, percent]) => [
    feature,
    percentOf(parsePercent(percent)),
  ]);
  const names = [...switches.map(([feature]) => feature), ...percents.map(([feature]) => String(feature))];
  if (Object.keys(input).some((field) => !TOLD.includes(field)) || !names.every((one) => features.has(one)))
    return null;
  const masked = (isOn: boolean): number =>
    features.masksOf(switches.filter(([, on]) => on === isOn).map(([one]) => one));
  const parsed = parseConfigInput(fields, DEFAULT_CONFIG);
  const given = PLAIN.filter((field) => fields[field] !== undefined).map((field) => [field, parsed[field]]);
  return {
    on: masked(true),
    off: masked(false),
    rollouts: Object.fromEntries(percents),
    fields: Object.fromEntries(given),
  };
}
