/** What `c13 watch` says, of each thing that can happen. @module */
import { expect, test } from 'vitest';
import { WatchLines } from '../../src/cli/watch-lines.ts';
import type { StreamEvent } from '../../src/client/config-stream.ts';
import type { StreamedConfig } from '../../src/client/stream-state.ts';
import { BUILTIN_FEATURES } from '../../src/config/features.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';

const FEATURES = { debug: BUILTIN_FEATURES.bitOf('debug'), metrics: BUILTIN_FEATURES.bitOf('metrics') };
const [DEBUG, METRICS] = [1 << FEATURES.debug, 1 << FEATURES.metrics];
const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const SCHEDULED = {
  type: 'scheduled',
  id: 'a1',
  at: AT,
  patch: { on: DEBUG, off: METRICS, rollouts: { metrics: 30 }, fields: { rows: 9 } },
} as const;

function state(revision: number, featureFlags: number, rest: Partial<StreamedConfig> = {}): StreamedConfig {
  const config = { ...DEFAULT_CONFIG, featureFlags };
  return { revision, config, rollouts: {}, features: FEATURES, ahead: [], bytes: encodeConfig(config), ...rest };
}

test('the config as it is, each change, what is ahead of its revision, and what became of that', () => {
  const lines = new WatchLines('shop', false);
  const told = [
    state(1, METRICS, { rollouts: { debug: 5 } }),
    state(2, DEBUG),
    state(2, DEBUG | METRICS, { ahead: ['a1'] }),
    state(2, DEBUG),
    state(2, METRICS, { ahead: ['b2'] }),
    state(3, METRICS),
    state(4, METRICS),
    state(4, METRICS, { features: { debug: FEATURES.debug } }),
  ];
  expect(told.map((one) => lines.config(one))).toEqual([
    'shop 1  metrics rollouts: debug 5%',
    'shop 2  +debug -metrics rollouts: none',
    'shop ahead of revision 2  +metrics',
    'shop 2  -metrics (failed, taken back)',
    'shop ahead of revision 2  +metrics -debug',
    'shop 3  as scheduled',
    'shop 4  nothing that is seen here',
    'shop 4  names of features changed',
  ]);
});

test('what happens beside, each once: a connection begins with what is scheduled', () => {
  const events: StreamEvent[] = [
    { type: 'connected' },
    SCHEDULED,
    { type: 'lost', reason: '' },
    { type: 'connected' },
    SCHEDULED,
    { ...SCHEDULED, at: AT + 1000 },
    { type: 'cancelled', id: 'a1' },
    SCHEDULED,
    { type: 'done', id: 'a1' },
    { type: 'deleted', revision: 7 },
  ];
  const lines = new WatchLines('shop', false);
  lines.config(state(1, 0));
  const plan = '+debug -metrics rows=9 rollouts: metrics 30%';
  expect(events.map((event) => lines.event(event))).toEqual([
    null,
    `shop  scheduled a1 for 2026-01-02T03:04:05.000Z: ${plan}`,
    'shop  connection lost; another one is opened',
    'shop  connected again',
    null,
    `shop  scheduled a1 for 2026-01-02T03:04:06.000Z: ${plan}`,
    'shop  cancelled a1',
    `shop  scheduled a1 for 2026-01-02T03:04:05.000Z: ${plan}`,
    null,
    'shop 7  deleted: it reads as the defaults until it is made again',
  ]);
  const keys = Array.from({ length: 12 }, (_, i) => `f${i}`);
  expect(lines.flags(keys)).toBe('shop  flags: f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 and 2 more');
  expect(lines.flags(['banner\u001b[31m'])).not.toContain('\u001b');
});

test('as JSON, with a type each', () => {
  const lines = new WatchLines('shop', true);
  const { bytes: _, ...known } = state(1, DEBUG, { ahead: ['a1'] });
  const said = [
    lines.config({ ...known, bytes: encodeConfig(known.config) }),
    lines.flags(['banner']),
    lines.event(SCHEDULED),
    lines.event({ type: 'lost', reason: 'silence' }),
    lines.event({ type: 'connected' }),
  ];
  expect(said.map((line) => JSON.parse(line!))).toEqual([
    { type: 'config', name: 'shop', ...known },
    { type: 'flags', name: 'shop', keys: ['banner'] },
    { ...SCHEDULED, name: 'shop' },
    { type: 'lost', name: 'shop', reason: 'silence' },
    { type: 'connected', name: 'shop' },
  ]);
});
