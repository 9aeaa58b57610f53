/** Changes in a few words. @module */
import { expect, test } from 'vitest';
import { changesText, differences } from '../../src/cli/change-text.ts';
import { defineFeatures } from '../../src/config/features.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import type { HistoryEntry } from '../../src/live/history.ts';

const FEATURES = defineFeatures({ own: 12 });
const ENTRY: HistoryEntry = {
  revision: 2,
  seq: 2,
  timestamp: 0,
  actor: 'ann',
  reason: '',
  kind: 'update',
  changeType: 'update',
  changedFields: ['rows'],
  before: DEFAULT_CONFIG,
  config: { ...DEFAULT_CONFIG, rows: 50 },
  rollouts: {},
  performance: { readTime: null, writeTime: null },
};

test('fields from and to, features by name', () => {
  const after = { ...DEFAULT_CONFIG, terminalMode: 2, rows: 50, registryHash: 1, featureFlags: 0x1004 };
  expect(differences(DEFAULT_CONFIG, after, FEATURES, '->')).toEqual([
    'registryHash 0x930ed19a->0x00000001',
    '+debug',
    '+own',
    'terminalMode cooked->raw',
    'rows 24->50',
  ]);
  expect(differences(after, { ...after, featureFlags: 0x1000 }, FEATURES, '->')).toEqual(['-debug']);
});

test('rollouts as they are now', () => {
  const changedFields = ['rows', 'rollouts'] as HistoryEntry['changedFields'];
  expect(changesText({ ...ENTRY, changedFields, rollouts: { own: 12.5 } }, FEATURES, '->')).toBe(
    'rows 24->50 rollouts: own 12.5%',
  );
  expect(changesText({ ...ENTRY, changedFields: ['rollouts'], config: DEFAULT_CONFIG }, FEATURES, '->')).toBe(
    'rollouts: none',
  );
});

test('the first against the defaults, an unattributed one by the fields alone', () => {
  expect(changesText({ ...ENTRY, kind: 'create', before: null }, FEATURES, '->')).toBe('rows 24->50');
  expect(changesText({ ...ENTRY, kind: 'unattributed', before: null }, FEATURES, '->')).toBe('rows');
});
