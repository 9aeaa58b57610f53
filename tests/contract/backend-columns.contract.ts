/** The part of the core's contract about flags of many configs turned on their side. @module */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, Columns, FlagQuery } from '../../bindings/backend.ts';
import { codeOf, outcomeOf } from '../bindings/outcomes.ts';

type Rows = (number | undefined)[];

function matching(rows: Rows, { on, off }: FlagQuery): number[] {
  return rows.flatMap((flags, i) => {
    if (flags === undefined) return [];
    return (flags & on) >>> 0 === on >>> 0 && (flags & off) === 0 ? [i] : [];
  });
}

export function columnsContract(open: () => Backend): void {
  let core: Backend;
  beforeAll(() => {
    core = open();
  });

  describe('columns', () => {
    it('counts and lists what a plain list of rows says, after any writes and removals', () => {
      const capacity = 700;
      const index = fc.integer({ min: 0, max: capacity - 1 });
      const word = fc.integer({ min: 0, max: 0xffff_ffff });
      const sparse = fc.tuple(word, word, word).map(([a, b, c]) => (a & b & c) >>> 0);
      const step = fc.oneof(
        fc.record({ kind: fc.constant('write' as const), index, flags: word }),
        fc.record({ kind: fc.constant('all' as const), index, flags: fc.uint32Array({ maxLength: 40 }) }),
        fc.record({ kind: fc.constant('remove' as const), index }),
      );
      const query = fc.record({ on: sparse, off: sparse, first: index, limit: fc.integer({ min: 0, max: capacity }) });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), fc.array(query, { maxLength: 10 }), (steps, queries) => {
          const columns = core.columnsCreate(capacity);
          const rows: Rows = Array.from({ length: capacity });
          for (const taken of steps) take(columns, rows, taken);
          for (const asked of [...queries, { on: 0, off: 0, first: 0, limit: capacity }]) {
            const expected = matching(rows, asked);
            expect(columns.count(asked)).toBe(expected.length);
            const listed = expected.filter((i) => i >= asked.first).slice(0, asked.limit);
            expect(Array.from(columns.list(asked, asked.first, asked.limit))).toEqual(listed);
          }
          columns.close();
        }),
        { seed: 13, numRuns: 60 },
      );
    });

    it('handles a single config and one over a group', () => {
      for (const capacity of [1, 511, 512, 513]) {
        const columns = core.columnsCreate(capacity);
        expect(columns.capacity).toBe(capacity);
        columns.write(capacity - 1, 0xffff_ffff);
        expect(columns.count({ on: 0xffff_ffff, off: 0 })).toBe(1);
        expect(columns.list({ on: 1 << 31, off: 0 }, 0, 5000)).toEqual(Uint32Array.of(capacity - 1));
        expect(columns.list({ on: 0, off: 0 }, capacity, 10)).toEqual(new Uint32Array(0));
        columns.remove(capacity - 1);
        columns.remove(capacity - 1);
        expect(columns.count({ on: 0, off: 0 })).toBe(0);
        columns.close();
      }
    });

    it('tells a config with nothing on from one that does not exist', () => {
      const columns = core.columnsCreate(10);
      expect(columns.count({ on: 0, off: 0xffff_ffff })).toBe(0);
      columns.write(3, 0);
      expect(columns.count({ on: 0, off: 0xffff_ffff })).toBe(1);
      columns.close();
    });

    it('writes many at once, and none', () => {
      const columns = core.columnsCreate(100_000);
      columns.writeAll(0, new Uint32Array(0));
      columns.writeAll(100_000, new Uint32Array(0));
      columns.writeAll(
        0,
        Uint32Array.from({ length: 100_000 }, (_, i) => i),
      );
      expect(columns.count({ on: 1, off: 2 })).toBe(25_000);
      expect(columns.list({ on: 0x1_0000, off: 0 }, 99_998, 100)).toEqual(Uint32Array.of(99_998, 99_999));
      columns.close();
    });

    const INDEXES = [-1, 10, 11, 2 ** 32, 2 ** 32 + 3, 0.5, Number.NaN, Number.POSITIVE_INFINITY];
    it.each(INDEXES)('refuses config number %d and changes nothing', (index) => {
      const columns = core.columnsCreate(10);
      columns.writeAll(0, new Uint32Array(10).fill(1));
      const details = { field: 'index', value: index, min: 0, max: 9 };
      expect(outcomeOf(() => columns.write(index, 2))).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
      expect(outcomeOf(() => columns.remove(index))).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
      expect(codeOf(() => columns.writeAll(index, Uint32Array.of(2, 2)))).toBe('ERR_OUT_OF_RANGE');
      expect(columns.count({ on: 1, off: 2 })).toBe(10);
      columns.close();
    });

    it('writes all or none: a list that ends beyond the capacity changes nothing', () => {
      const columns = core.columnsCreate(10);
      columns.writeAll(0, new Uint32Array(10).fill(1));
      expect(codeOf(() => columns.writeAll(8, Uint32Array.of(2, 2, 2)))).toBe('ERR_OUT_OF_RANGE');
      expect(columns.count({ on: 1, off: 2 })).toBe(10);
      columns.close();
    });

    it.each([0, -1, 2 ** 24 + 1, 2 ** 32 + 1, 1.5, Number.NaN])('refuses a capacity of %d', (capacity) => {
      const details = { field: 'capacity', value: capacity, min: 1, max: 2 ** 24 };
      expect(outcomeOf(() => core.columnsCreate(capacity))).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
    });

    it('closes once or twice, and then says so', () => {
      const columns = core.columnsCreate(10);
      columns.close();
      columns.close();
      const uses = [
        () => columns.write(0, 1),
        () => columns.write(10, 1),
        () => columns.writeAll(0, Uint32Array.of(1)),
        () => columns.remove(0),
        () => columns.count({ on: 0, off: 0 }),
        () => columns.list({ on: 0, off: 0 }, 0, 1),
      ];
      for (const use of uses) {
        expect(outcomeOf(use)).toEqual({ code: 'ERR_CLOSED', details: { what: 'columns' } });
      }
    });
  });
}

type Step =
  | { kind: 'write'; index: number; flags: number }
  | { kind: 'all'; index: number; flags: Uint32Array }
  | { kind: 'remove'; index: number };

function take(columns: Columns, rows: Rows, step: Step): void {
  if (step.kind === 'write') {
    columns.write(step.index, step.flags);
    rows[step.index] = step.flags;
  } else if (step.kind === 'remove') {
    columns.remove(step.index);
    rows[step.index] = undefined;
  } else {
    const fitting = step.flags.subarray(0, rows.length - step.index);
    columns.writeAll(step.index, fitting);
    fitting.forEach((flags, i) => (rows[step.index + i] = flags));
  }
}
