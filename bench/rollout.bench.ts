/** What the decision costs whether a key is within a rollout: hashing its text, beside looking it up. @module */
import { createProductionConfig } from '../src/live/production-config.ts';
import { userKeys } from './keys.ts';
import { atMost, onEachCore, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

const KEYS = 1024;

export const rollout: Suite = { name: 'rollout', open };

function open(setting: Setting): Opened {
  const config = createProductionConfig({ features: { new_checkout: 12 } });
  config.setRollout('new_checkout', 10);
  const keys = userKeys(KEYS, setting.random());
  const map = new Map(keys.map((key) => [key, config.isEnabledFor('new_checkout', key)]));
  const decides = {
    name: "config.isEnabledFor('new_checkout', key)",
    loop: counting(keys, (key) => config.isEnabledFor('new_checkout', key)),
  };
  const looksUp = { name: 'Map.get(key)', loop: lookups(keys, map) };
  return {
    cases: [
      { operation: 'decide for a key', column: 'library', loop: decides.loop },
      { operation: 'decide for a key', column: 'javascript', loop: looksUp.loop },
      ...onEachCore(setting, 'bucket of a key', (core) => (times) => {
        let hash = 0;
        for (let pass = 0; pass < times; pass++) {
          hash = (hash + core.rolloutBucket('new_checkout', keys[pass & (KEYS - 1)]!)) | 0;
        }
        return hash;
      }),
    ],
    claims: [{ name: 'rollout decision', subject: decides, floor: looksUp, bound: atMost(8) }],
    frugal: [decides],
    close: () => config.close(),
  };
}

function counting(keys: readonly string[], decide: (key: string) => boolean): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) if (decide(keys[pass & (KEYS - 1)]!)) on++;
    return on;
  };
}

function lookups(keys: readonly string[], map: ReadonlyMap<string, boolean>): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) if (map.get(keys[pass & (KEYS - 1)]!) === true) on++;
    return on;
  };
}
