/** Templates, validation, views and counters: what is done with a config besides reading and changing it. @module */
import { CONFIG_SIZE } from '../bindings/abi.gen.ts';
import type { Backend, FlagChange } from '../bindings/backend.ts';
import { AnalyticsCounter } from '../src/config/analytics.ts';
import { debugView, inspectorView } from '../src/config/debug-view.ts';
import { applyTemplate, findTemplate } from '../src/config/templates.ts';
import { validate } from '../src/config/validation.ts';
import { DEFAULT_CONFIG, encodeConfig, writeConfig, type RegistryConfig } from '../src/config/value.ts';
import { createProductionConfig } from '../src/live/production-config.ts';
import { nsAtMost, onEachCore, type Claim, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

const BATCH = 1000;
/** Written by loops over a plain load, which the engine would else do once. */
const sum = new Uint32Array(1);
const production = findTemplate('production');
const development = findTemplate('development');

export const validation: Suite = { name: 'validation', open };

function open(setting: Setting): Opened {
  const config = createProductionConfig();
  config.applyTemplate('production');
  const value = config.config;
  const bytes = encodeConfig(value);
  return {
    cases: [
      ...onEachCore(setting, `template over ${BATCH} configs`, templateBatch, BATCH),
      { operation: 'template of a value', column: 'library', loop: templatesOfValue(value) },
      ...onEachCore(setting, 'check of 13 bytes', (core) => checking(core, bytes)),
      ...onEachCore(setting, `check of ${BATCH} configs`, checkingMany, BATCH),
      { operation: 'validate, all rules', column: 'library', loop: validating(value) },
      {
        operation: 'debug view',
        column: 'library',
        loop: repeating(() => debugView({ config: value }).raw.hex.length),
      },
      { operation: 'getDebugView', column: 'library', loop: repeating(() => config.getDebugView().raw.hex.length) },
      {
        operation: 'inspector view',
        column: 'library',
        loop: repeating(() => inspectorView({ config: value }).length),
      },
      { operation: 'getAnalytics', column: 'library', loop: repeating(() => config.getAnalytics().changes) },
    ],
    claims: claims(setting.cores.native, value, bytes),
    close: () => config.close(),
  };
}

function claims(native: Backend, value: RegistryConfig, bytes: Uint8Array): Claim[] {
  const counter = new AnalyticsCounter();
  return [
    {
      name: 'template, one native call over 1000',
      subject: { name: 'flagsApply', loop: templateBatch(native), batch: BATCH },
      floor: { name: 'the same on a Uint32Array', loop: templateOfWords(), batch: BATCH },
      bound: nsAtMost(90),
    },
    {
      name: 'validation of 13 bytes',
      subject: { name: 'configCheck', loop: checking(native, bytes) },
      floor: { name: 'five comparisons', loop: comparing(bytes) },
      bound: nsAtMost(10),
    },
    {
      name: 'validation of 13 bytes, one call over 1000',
      subject: { name: 'configsCheck', loop: checkingMany(native), batch: BATCH },
      floor: { name: 'five comparisons', loop: comparing(bytes) },
      bound: nsAtMost(10),
    },
    {
      name: 'debug view',
      subject: { name: 'debugView(config)', loop: repeating(() => debugView({ config: value }).raw.hex.length) },
      floor: { name: 'JSON.stringify of six fields', loop: repeating(() => JSON.stringify(value).length) },
      bound: nsAtMost(487),
    },
    {
      name: 'read of an analytics counter',
      subject: { name: 'counter.changes', loop: counterReads(counter) },
      floor: { name: 'number of a Float64Array', loop: plainReads() },
      bound: nsAtMost(5),
    },
  ];
}

function templateBatch(core: Backend): Loop {
  const configs = new Uint8Array(BATCH * CONFIG_SIZE);
  for (let i = 0; i < BATCH; i++) writeConfig(DEFAULT_CONFIG, configs, i * CONFIG_SIZE);
  const changes: FlagChange[] = [production, development].map(({ set, clear }) => ({ set, clear, toggle: 0 }));
  return (times) => {
    let changed = 0;
    for (let pass = 0; pass < times; pass++) changed = (changed + core.flagsApply(configs, changes[pass & 1]!)) | 0;
    return changed;
  };
}

function templateOfWords(): Loop {
  const words = new Uint32Array(BATCH);
  return (times) => {
    for (let pass = 0; pass < times; pass++) {
      const { set, clear } = (pass & 1) === 0 ? production : development;
      for (let i = 0; i < BATCH; i++) words[i] = (words[i]! & ~clear) | set;
    }
    return words[0]!;
  };
}

function templatesOfValue(value: RegistryConfig): Loop {
  return (times) => {
    let current = value;
    for (let pass = 0; pass < times; pass++) {
      current = applyTemplate(current, (pass & 1) === 0 ? development : production);
    }
    return current.featureFlags;
  };
}

function checking(core: Backend, bytes: Uint8Array): Loop {
  return (times) => {
    let faults = 0;
    for (let pass = 0; pass < times; pass++) {
      bytes[10] = 1 + (pass & 127);
      faults |= core.configCheck(bytes);
    }
    return faults;
  };
}

function checkingMany(core: Backend): Loop {
  const configs = new Uint8Array(BATCH * CONFIG_SIZE);
  for (let i = 0; i < BATCH; i++) writeConfig({ ...DEFAULT_CONFIG, rows: 1 + (i & 127) }, configs, i * CONFIG_SIZE);
  return (times) => {
    let faults = 0;
    for (let pass = 0; pass < times; pass++) faults |= core.configsCheck(configs)[pass % BATCH]!;
    return faults;
  };
}

function comparing(bytes: Uint8Array): Loop {
  return (times) => {
    let faults = 0;
    for (let pass = 0; pass < times; pass++) {
      bytes[10] = 1 + (pass & 127);
      if (bytes[0]! > 1 || bytes[9]! > 3 || bytes[10] === 0 || bytes[11] === 0 || bytes[12] !== 0) faults++;
    }
    return faults;
  };
}

function validating(value: RegistryConfig): Loop {
  return (times) => {
    let found = 0;
    for (let pass = 0; pass < times; pass++) {
      found = (found + validate(value, { name: 'checkout/production', environment: 'production' }).warnings.length) | 0;
    }
    return found;
  };
}

function counterReads(counter: AnalyticsCounter): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      hash = (hash + counter.changes) | 0;
      sum[0] = hash;
    }
    return hash;
  };
}

function plainReads(): Loop {
  const numbers = new Float64Array(256);
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      hash = (hash + numbers[0]!) | 0;
      sum[0] = hash;
    }
    return hash;
  };
}

function repeating(work: () => number): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) hash = (hash + work()) | 0;
    return hash;
  };
}
