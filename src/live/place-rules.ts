/** Rules about where a config is opened: only whoever has its slot can tell that others say otherwise. @module */
import type { Backend } from '../../bindings/backend.ts';
import type { ConfigPlace } from '../config/metadata.ts';
import type { Rule } from '../config/validation.ts';
import { isOtherPlace } from '../sync/place-ids.ts';
import type { WordsHolder } from './feature-reader.ts';

/**
 * A warning each for a region and a cluster that differ from what the first process said that opened the same board.
 */
export function placeRules(backend: Backend, holder: WordsHolder, place: ConfigPlace): readonly Rule[] {
  const rule = (code: string, word: 'region' | 'clusterId'): Rule => ({
    code,
    severity: 'warning',
    path: word,
    hint: `Open the config with one ${word} on one host, or under another name.`,
    check: () =>
      isOtherPlace(backend, holder.words, word, place[word])
        ? `This process says ${word} '${place[word]}', another one that shares the config says otherwise`
        : null,
  });
  return [rule('REGION_MISMATCH', 'region'), rule('CLUSTER_MISMATCH', 'clusterId')];
}
