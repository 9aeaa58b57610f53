/**
 * What a change in memory costs with all that belongs to it: the swap, the checksum, the ring entry, the counters. What
 * makes it durable is measured in `journal.bench.ts`.
 * @module
 */
import { CHANGE_KIND } from '../bindings/abi.gen.ts';
import type { Backend, Region, Ring, SwapRequest } from '../bindings/backend.ts';
import { createProductionConfig } from '../src/live/production-config.ts';
import { NAMES } from './keys.ts';
import { atMost, onEachCore, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

export const configWrite: Suite = { name: 'config-write', open };

function open(setting: Setting): Opened {
  const config = createProductionConfig();
  const map = new Map<string, boolean>(NAMES.map((name) => [name, false]));
  const flips = { name: 'enableFeature/disableFeature(name)', loop: flipping(config) };
  const sets = { name: 'Map.set(name, on)', loop: storing(map) };
  const slots: { region: Region; ring: Ring }[] = [];
  return {
    cases: [
      { operation: 'change a feature', column: 'library', loop: flips.loop },
      { operation: 'change a feature', column: 'javascript', loop: sets.loop },
      { operation: 'apply a template', column: 'library', loop: templates(config) },
      { operation: 'set a rollout', column: 'library', loop: rollouts(config) },
      ...onEachCore(setting, 'swap with ring entry', (core) => {
        const slot = { region: core.slotsCreate(1), ring: core.ringCreate() };
        slots.push(slot);
        return swapping(core, slot.region, slot.ring);
      }),
    ],
    claims: [{ name: 'mutation with ring entry, in memory', subject: flips, floor: sets, bound: atMost(10) }],
    close() {
      for (const { region, ring } of slots) {
        ring.close();
        region.close();
      }
      return config.close();
    },
  };
}

type Config = ReturnType<typeof createProductionConfig>;

/** Eight passes turn the names on, the next eight off: each one is a change. */
function flipping(config: Config): Loop {
  return (times) => {
    for (let pass = 0; pass < times; pass++) {
      if ((pass & 8) === 0) config.enableFeature(NAMES[pass & 7]!);
      else config.disableFeature(NAMES[pass & 7]!);
    }
    return config.featureFlags;
  };
}

function storing(map: Map<string, boolean>): Loop {
  return (times) => {
    for (let pass = 0; pass < times; pass++) {
      if ((pass & 8) === 0) map.set(NAMES[pass & 7]!, true);
      else map.set(NAMES[pass & 7]!, false);
    }
    return map.size;
  };
}

function templates(config: Config): Loop {
  return (times) => {
    for (let pass = 0; pass < times; pass++) config.applyTemplate((pass & 1) === 0 ? 'production' : 'development');
    return config.featureFlags;
  };
}

function rollouts(config: Config): Loop {
  return (times) => {
    for (let pass = 0; pass < times; pass++) config.setRollout('beta_feature', pass & 63);
    return config.getRollout('beta_feature');
  };
}

function swapping(core: Backend, region: Region, ring: Ring): Loop {
  const expected = new Uint32Array(4);
  const desired = new Uint32Array(4);
  const request: SwapRequest = {
    expected,
    desired,
    rollouts: null,
    at: 1,
    kind: CHANGE_KIND.update,
    readNs: null,
    timed: false,
  };
  return (times) => {
    let revision = 0;
    for (let pass = 0; pass < times; pass++) {
      const { words } = region;
      desired[0] = expected[0] = words[0]!;
      desired[1] = expected[1] = words[1]!;
      expected[2] = words[2]!;
      desired[2] = expected[2] ^ 4;
      desired[3] = expected[3] = words[3]!;
      revision = core.slotSwap(region, 0, request, ring);
    }
    return revision;
  };
}
