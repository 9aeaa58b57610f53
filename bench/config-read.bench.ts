/**
 * What a read costs, beside the plainest JavaScript that could be written instead. Loops write their sum into an array:
 * else the engine reads a word once before the loop and measures nothing, on both sides.
 * @module
 */
import { configOfWords, copyCell, FLAGS_WORD } from '../bindings/cell-words.ts';
import { createProductionConfig } from '../src/live/production-config.ts';
import { NAMES } from './keys.ts';
import {
  atMost,
  CORE_COLUMNS,
  onEachCore,
  type Case,
  type Loop,
  type Opened,
  type Setting,
  type Suite,
} from './suite.ts';

const DEBUG = 1 << 2;
const sum = new Uint32Array(1);

export const configRead: Suite = { name: 'config-read', open };

function open(setting: Setting): Opened {
  const config = createProductionConfig();
  config.setFeatures({ debug: true, metrics: true });
  const map = new Map<string, boolean>(NAMES.map((name) => [name, config.isFeatureEnabled(name)]));
  const object: Record<string, boolean> = Object.fromEntries(map);
  const words = new Uint32Array(32);
  words[FLAGS_WORD] = config.featureFlags;

  const named = { name: 'config.isFeatureEnabled(name)', loop: namedReads(config) };
  const typed = { name: 'config.flags.debug', loop: typedReads(config) };
  const mapGet = { name: 'Map.get(name)', loop: mapReads(map) };
  const bitTest = { name: 'bit of a Uint32Array', loop: bitTests(words) };
  return {
    cases: [
      { operation: 'read by name', column: 'library', loop: named.loop },
      { operation: 'read by name', column: 'javascript', loop: mapGet.loop },
      { operation: 'object[name]', column: 'javascript', loop: propertyReads(object) },
      { operation: 'typed read', column: 'library', loop: typed.loop },
      { operation: 'typed read', column: 'javascript', loop: bitTest.loop },
      { operation: 'fresh().flags.debug', column: 'library', loop: freshReads(config) },
      { operation: 'whole config', column: 'library', loop: wholeReads(config) },
      ...slotReads(setting),
    ],
    claims: [
      { name: 'flag read by name', subject: named, floor: mapGet, bound: atMost(1.15) },
      { name: 'typed flag read', subject: typed, floor: bitTest, bound: atMost(1.1) },
    ],
    frugal: [named, typed],
    close: () => config.close(),
  };
}

/** The 13 bytes of one moment: word by word where they lie, and by one call of the core. */
function slotReads(setting: Setting): Case[] {
  const seen = new Uint32Array(4);
  const regions = new Map(CORE_COLUMNS.map((column) => [setting.cores[column], setting.cores[column].slotsCreate(1)]));
  return [
    ...onEachCore(setting, '13 bytes by words', (core) => {
      const region = regions.get(core)!;
      return (times) => {
        for (let pass = 0; pass < times; pass++) {
          copyCell(region.words, 0, seen);
          sum[0] = sum[0]! + configOfWords(seen)[0]!;
        }
        return sum[0]!;
      };
    }),
    ...onEachCore(setting, 'slot image by one call', (core) => {
      const region = regions.get(core)!;
      return (times) => {
        for (let pass = 0; pass < times; pass++) sum[0] = sum[0]! + core.slotRead(region, 0).revision;
        return sum[0]!;
      };
    }),
  ];
}

type Config = ReturnType<typeof createProductionConfig>;

function namedReads(config: Config): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) {
      if (config.isFeatureEnabled(NAMES[pass & 7]!)) on++;
      sum[0] = on;
    }
    return on;
  };
}

function mapReads(map: ReadonlyMap<string, boolean>): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) {
      if (map.get(NAMES[pass & 7]!) === true) on++;
      sum[0] = on;
    }
    return on;
  };
}

function propertyReads(object: Readonly<Record<string, boolean>>): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) {
      if (object[NAMES[pass & 7]!] === true) on++;
      sum[0] = on;
    }
    return on;
  };
}

function typedReads(config: Config): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) {
      if (config.flags.debug) on++;
      sum[0] = on;
    }
    return on;
  };
}

function bitTests(words: Uint32Array): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) {
      if ((words[FLAGS_WORD]! & DEBUG) !== 0) on++;
      sum[0] = on;
    }
    return on;
  };
}

function freshReads(config: Config): Loop {
  return (times) => {
    let on = 0;
    for (let pass = 0; pass < times; pass++) {
      if (config.fresh().flags.debug) on++;
      sum[0] = on;
    }
    return on;
  };
}

function wholeReads(config: Config): Loop {
  return (times) => {
    for (let pass = 0; pass < times; pass++) sum[0] = sum[0]! + config.config.rows;
    return sum[0]!;
  };
}
