/**
 * What it costs to be on disk: one row of the journal beside a raw write and fdatasync on the same disk, in turns, and
 * the whole way of a change until `persist` resolves.
 * @module
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine, type Engine } from '../src/journal/engine.ts';
import type { NewEntry } from '../src/journal/journal.ts';
import { encodeChange } from '../src/live/change.ts';
import { createProductionConfig } from '../src/live/production-config.ts';
import { encodeConfig, DEFAULT_CONFIG } from '../src/config/value.ts';
import { atMost, type Claim, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

/** One operation a round, in turns: what is told is the median of this many. */
const ROUNDS = 301;
const GROUP = 100;
/** What a row holds besides its texts and its body: two hashes, the salt, four integers. */
const ROW_FIXED_BYTES = 32 + 32 + 16 + 4 * 8;

export const journal: Suite = { name: 'journal', open };

function open(setting: Setting): Opened {
  const engine = openEngine({ path: join(setting.directory, 'rows.db') });
  const config = createProductionConfig({ persistPath: join(setting.directory, 'config.db') });
  const file = openSync(join(setting.directory, 'raw'), 'w');
  const rows = new Rows();
  const row = rows.next();
  const size_bytes = [row.stream, row.type, row.actor].join('').length + row.body.length + ROW_FIXED_BYTES;
  const append = { name: `row of ${size_bytes} bytes committed`, loop: appending(engine, rows) };
  const grouped = { name: `${GROUP} appends in one commit`, loop: appendingGroups(engine, rows), batch: GROUP };
  const persist = { name: 'toggleFeature + await persist(reason)', loop: persisting(config) };
  const raw = { name: `write + fdatasync of ${size_bytes} bytes`, loop: writing(file, size_bytes) };
  const inTurns = { floor: raw, times: 1, rounds: ROUNDS } satisfies Partial<Claim>;
  return {
    cases: [
      { operation: 'row committed', column: 'library', loop: append.loop },
      { operation: 'row committed, in a group of 100', column: 'library', loop: grouped.loop, batch: GROUP },
      { operation: 'change and persist', column: 'library', loop: persist.loop },
      { operation: 'write + fdatasync', column: 'javascript', loop: raw.loop },
    ],
    claims: [
      { ...inTurns, name: 'bare journal row on disk, p50', subject: append, bound: atMost(1.6) },
      { ...inTurns, name: 'row within a group commit, p50', subject: grouped, bound: atMost(null) },
      {
        ...inTurns,
        name: 'full persist (worker, projections, two entries), p50',
        subject: persist,
        bound: atMost(null),
      },
    ],
    async close() {
      await config.close();
      engine.close();
      closeSync(file);
    },
  };
}

/** Entries of one stream, a revision each, with a body as a change of a feature has it. */
class Rows {
  #revision = 0;

  next(): NewEntry & { body: Uint8Array } {
    const before = { config: encodeConfig(DEFAULT_CONFIG), rollouts: new Uint16Array(32), rolloutsRevision: 1 };
    const after = { ...before, config: encodeConfig({ ...DEFAULT_CONFIG, featureFlags: this.#revision }) };
    const body = encodeChange({ kind: 'update', before, after });
    const revision = ++this.#revision;
    return { stream: 'config:bench/production', type: 'config.update', actor: 'bench', reason: '', body, revision };
  }
}

function appending(engine: Engine, rows: Rows): Loop {
  return (times) => {
    let seq = 0;
    for (let pass = 0; pass < times; pass++) seq = engine.append([rows.next()])[0]!.seq;
    return seq;
  };
}

function appendingGroups(engine: Engine, rows: Rows): Loop {
  return (times) => {
    let kept = 0;
    for (let pass = 0; pass < times; pass++) {
      const batch = Array.from({ length: GROUP }, () => [rows.next()]);
      kept += engine.appendBatch(batch).filter(({ ok }) => ok).length;
    }
    return kept;
  };
}

function persisting(config: ReturnType<typeof createProductionConfig>): Loop {
  return async (times) => {
    for (let pass = 0; pass < times; pass++) {
      config.toggleFeature('debug');
      await config.persist('bench');
    }
    return config.featureFlags;
  };
}

function writing(file: number, size_bytes: number): Loop {
  const bytes = new Uint8Array(size_bytes).fill(0x5a);
  return (times) => {
    let written = 0;
    for (let pass = 0; pass < times; pass++) {
      written += writeSync(file, bytes);
      fdatasyncSync(file);
    }
    return written;
  };
}
