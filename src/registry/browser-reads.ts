/**
 * What somebody with a browser token reads of a config: the word, the rollouts and the names of the features that are
 * visible to clients. Everything else is taken out before anything is encoded, checksummed or hashed, so that two
 * configs that differ in what is hidden alone give the same answer.
 * @module
 */
import type { FeatureSet } from '../config/features.ts';
import type { Flags } from '../flags/flags.ts';
import { maskConfig, maskFlags, maskRollouts, visibleMask } from '../flags/visibility.ts';
import type { ConfigSnapshot } from '../live/commit.ts';
import { viewOf, type ConfigOperations, type ConfigView } from '../live/operations.ts';
import type { RenderedConfig } from './config-cache.ts';

interface BrowserReadServices {
  readonly operations: Pick<ConfigOperations, 'store'>;
  readonly flags: Pick<Flags, 'sourceOf'>;
}

/** One config as pages see it. Throws ERR_NOT_FOUND, ERR_NAME. */
export async function readForBrowser(
  { operations: { store }, flags }: BrowserReadServices,
  name: string,
): Promise<RenderedConfig> {
  const snapshot = await store.get(name);
  const features = await store.features(snapshot.name);
  // After the config: what was hidden while it was read is hidden.
  const source = await flags.sourceOf(snapshot.name, { features, ...snapshot });
  return renderedView(browserView(snapshot, features, visibleMask(source)));
}

/** `mask`: the bits that are visible. Whatever the other bits are, the view is the same. */
export function browserView(snapshot: ConfigSnapshot, features: FeatureSet, mask: number): ConfigView {
  const config = maskConfig(snapshot.config, mask);
  const rollouts = maskRollouts(snapshot.rollouts, mask);
  const view = viewOf({ ...snapshot, config, rollouts }, features);
  const isSeen = (name: string): boolean => maskFlags(features.maskOf(name), mask) !== 0;
  return { ...view, features: { ...view.features, disabled: view.features.disabled.filter(isSeen) } };
}

/** Its tag is of its text: what is visible can change without the config. */
function renderedView(view: ConfigView): RenderedConfig {
  const { name, revision } = view;
  const json = JSON.stringify(view);
  const hash = new Bun.CryptoHasher('sha256').update(json).digest('hex').slice(0, 16);
  return { name, revision, etag: `"${revision}-${hash}"`, json, size_bytes: Buffer.byteLength(json) };
}
