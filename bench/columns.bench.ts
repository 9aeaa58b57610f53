/** Counting the configs that have a feature on: one bit each by column, beside looking at every config. @module */
import { CONFIG_SIZE } from '../bindings/abi.gen.ts';
import type { Backend, Columns } from '../bindings/backend.ts';
import { DEFAULT_CONFIG, writeConfig } from '../src/config/value.ts';
import {
  atLeast,
  CORE_COLUMNS,
  type Case,
  type Claim,
  type Loop,
  type Opened,
  type Setting,
  type Suite,
} from './suite.ts';

const QUERY = { on: 1 << 2, off: 0 } as const;

export const columns: Suite = { name: 'columns', open };

function open(setting: Setting): Opened {
  const count = setting.tiny ? 1000 : 1_000_000;
  const title = `${count.toLocaleString('en')} configs`;
  const random = setting.random();
  const flags = Uint32Array.from({ length: count }, () => Math.floor(random() * 0x1_0000_0000));
  const rows = rowsOf(flags);
  const opened: Columns[] = [];
  const cases: Case[] = [];
  const claims: Claim[] = [];
  for (const column of CORE_COLUMNS) {
    const core = setting.cores[column];
    const made = core.columnsCreate(count);
    opened.push(made);
    made.writeAll(0, flags);
    const byColumn = { name: 'by column', loop: counting(made) };
    const byRow = { name: 'row scan', loop: scanning(core, rows) };
    cases.push({ operation: `count of ${title} by column`, column, loop: byColumn.loop });
    cases.push({ operation: `count of ${title} by row`, column, loop: byRow.loop });
    const bound = atLeast(column === 'native' ? 100 : null);
    claims.push({ name: `count one feature over ${title}, ${column}`, subject: byColumn, floor: byRow, bound });
  }
  cases.push({ operation: `count of ${title} by row`, column: 'javascript', loop: plainScan(rows) });
  return { cases, claims, close: () => opened.forEach((made) => made.close()) };
}

function rowsOf(flags: Uint32Array): Uint8Array {
  const rows = new Uint8Array(flags.length * CONFIG_SIZE);
  flags.forEach((featureFlags, i) => writeConfig({ ...DEFAULT_CONFIG, featureFlags }, rows, i * CONFIG_SIZE));
  return rows;
}

function counting(made: Columns): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) hash = (hash + made.count(QUERY)) | 0;
    return hash;
  };
}

function scanning(core: Backend, rows: Uint8Array): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) hash = (hash + core.flagsCount(rows, QUERY)) | 0;
    return hash;
  };
}

/** Bit 2 lies in the first byte of the flags. */
function plainScan(rows: Uint8Array): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      for (let at = 5; at < rows.length; at += CONFIG_SIZE) hash = (hash + ((rows[at]! >> 2) & 1)) | 0;
    }
    return hash;
  };
}
