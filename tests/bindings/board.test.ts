/**
 * A board as one process meets it: names, files that are none, files of others, and mappings that are read only or
 * gone.
 * @module
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, statSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configOfWords, WORDS_PER_SLOT } from '../../bindings/cell-words.ts';
import { descriptorsTo } from './descriptors.ts';
import { backendSlotsOf } from './board-region.ts';
import { NATIVE, openBoard, step } from './board-steps.ts';
import { codeOf, outcomeOf } from './outcomes.ts';
import { cellOf, image, marked, request } from './swaps.ts';

const OTHER_JOURNAL = { journalId: 'f'.repeat(32) };
const STATE_OFFSET = 56;
const BOOT_ID_OFFSET = 16;
const LAYOUT_OFFSET = 8;
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'c13-board-'));
  path = join(directory, 'board');
});
afterEach(() => rmSync(directory, { recursive: true }));

const refused = (fault: string) => ({ code: 'ERR_BOARD', details: { path, fault } });

describe('names and slots', () => {
  test('a name keeps its slot, for whoever opens the board', () => {
    const board = openBoard(path);
    expect([board.fresh, board.slotCount, board.readOnly]).toEqual([true, 512, false]);
    expect(board.find('checkout/production', false)).toBeNull();
    const slot = board.find('checkout/production', true)!;
    expect(board.find('checkout/production', true)).toBe(slot);
    const other = openBoard(path, { capacity: 7 });
    expect([other.fresh, other.slotCount]).toEqual([false, 512]);
    expect(other.find('checkout/production', false)).toBe(slot);
    expect(other.names()).toEqual([{ name: 'checkout/production', slot }]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    board.close();
    other.close();
  });

  test('a name has 1 to 127 bytes of any text', () => {
    const board = openBoard(path);
    const names = ['a', 'ü/日本', '😀', 'x'.repeat(127), 'é'.repeat(63), 'with\0zero'];
    const slots = names.map((name) => board.find(name, true));
    expect(new Set(slots).size).toBe(names.length);
    expect(
      board
        .names()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted());
    for (const [name, length] of [
      ['', 0],
      ['x'.repeat(128), 128],
      ['é'.repeat(64), 128],
    ] as const) {
      const details = { field: 'length of name', value: length, min: 1, max: 127 };
      expect(outcomeOf(() => board.find(name, true))).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
    }
    board.close();
  });

  test('a full board says so, and what is on it is still found', () => {
    const board = openBoard(path, { capacity: 10 });
    const slots = Array.from({ length: 10 }, (_, i) => board.find(`n${i}`, true));
    expect(new Set(slots).size).toBe(10);
    expect(outcomeOf(() => board.find('one more', true))).toEqual({
      code: 'ERR_BOARD_FULL',
      details: { path, capacity: 10 },
    });
    expect(board.find('one more', false)).toBeNull();
    expect(Array.from({ length: 10 }, (_, i) => board.find(`n${i}`, true))).toEqual(slots);
    board.close();
  });

  test('300,000 names are opened, found again and listed', () => {
    const count = 300_000;
    const board = openBoard(path, { capacity: 2 ** 19 });
    const slots = Uint32Array.from({ length: count }, (_, i) => board.find(`service-${i}/production`, true)!);
    expect(new Set(slots).size).toBe(count);
    const other = openBoard(path);
    for (let i = 0; i < count; i++) {
      if (other.find(`service-${i}/production`, false) !== slots[i]) expect.fail(`service-${i} has another slot`);
    }
    const listed = new Map(other.names().map(({ name, slot }) => [slot, name]));
    expect(listed.size).toBe(count);
    for (let i = 0; i < count; i++) {
      if (listed.get(slots[i]!) !== `service-${i}/production`) expect.fail(`service-${i} is listed otherwise`);
    }
    board.close();
    other.close();
  });

  test('a slot of a board is a slot: seeded, swapped, read and damaged like any other', () => {
    const board = openBoard(path);
    const slot = board.find('a', true)!;
    backendSlotsOf(NATIVE, board, slot);
    for (const wrong of [-1, 512, 2 ** 32, 0.5]) {
      expect(codeOf(() => NATIVE.slotRead(board, wrong))).toBe('ERR_OUT_OF_RANGE');
      expect(codeOf(() => board.wait(wrong, 0, 1))).toBe('ERR_OUT_OF_RANGE');
    }
    board.close();
  });

  test('waiting ends with the time, and at once when the word is another', () => {
    const board = openBoard(path);
    const slot = board.find('a', true)!;
    expect(board.wait(slot, 0, 5)).toBe(false);
    expect(board.wait(slot, 1, 60_000)).toBe(true);
    const reader = openBoard(path, { readOnly: true });
    expect(reader.wait(slot, 0, 12)).toBe(false);
    expect(reader.wait(slot, 1, 60_000)).toBe(true);
    board.close();
    reader.close();
  });

  test('the head only goes forward, for everybody', () => {
    const board = openBoard(path);
    const reader = openBoard(path, { readOnly: true });
    expect(reader.head()).toBe(0);
    for (const [seq, head] of [
      [41, 41],
      [7, 41],
      [2 ** 40, 2 ** 40],
    ] as const) {
      board.announce(seq);
      reader.announce(seq + 2 ** 41);
      expect([board.head(), reader.head()]).toEqual([head, head]);
    }
    board.close();
    reader.close();
  });
});

describe('the file', () => {
  test('removed: noticed, and the next board is another', () => {
    const board = openBoard(path);
    expect(board.check()).toBe('ok');
    unlinkSync(path);
    expect(board.check()).toBe('replaced');
    const next = openBoard(path);
    expect([board.check(), next.check(), next.fresh]).toEqual(['replaced', 'ok', true]);
    expect(step(board, board.find('a', true)!, false)).toBe(1);
    expect(next.find('a', false)).toBeNull();
    next.close();
    board.close();
  });

  test('replaced by another board: noticed', () => {
    const board = openBoard(path);
    const other = openBoard(`${path}-2`);
    renameSync(`${path}-2`, path);
    expect([board.check(), other.check()]).toEqual(['replaced', 'replaced']);
    expect(openBoard(path).check()).toBe('ok');
    board.close();
    other.close();
  });

  test("emptied for another journal: noticed, and nothing of the first journal's state is left", () => {
    const board = openBoard(path);
    const slot = board.find('a', true)!;
    step(board, slot, true);
    board.announce(9);
    const same = openBoard(path);
    expect([same.fresh, board.check()]).toEqual([false, 'ok']);
    const other = openBoard(path, OTHER_JOURNAL);
    expect([other.fresh, other.check(), board.check(), same.check()]).toEqual([true, 'ok', 'emptied', 'emptied']);
    expect([other.names(), other.head(), board.find('a', false)]).toEqual([[], 0, null]);
    expect(board.bytes.every((byte) => byte === 0)).toBe(true);
    for (const one of [board, same, other]) one.close();
  });

  test('ahead of its journal: emptied once, by whoever opened it before it was', () => {
    const board = openBoard(path);
    const slot = board.find('a', true)!;
    step(board, slot, true);
    board.announce(9);
    const [first, second] = [openBoard(path), openBoard(path)];
    expect([first.rewind(9), first.check(), first.find('a', false)]).toEqual([false, 'ok', slot]);
    expect([first.rewind(8), first.check(), board.check()]).toEqual([true, 'ok', 'emptied']);
    expect([first.names(), first.head()]).toEqual([[], 0]);
    step(first, first.find('a', true)!, false);
    first.announce(10);
    expect([second.rewind(8), second.check(), second.find('a', false)]).toEqual([false, 'ok', slot]);
    for (const one of [board, first, second]) one.close();
  });

  test('from before the machine restarted, or left half emptied: no state of its is shown', () => {
    for (const offset of [BOOT_ID_OFFSET, STATE_OFFSET]) {
      const first = openBoard(path);
      step(first, first.find('a', true)!, false);
      first.close();
      const bytes = readFileSync(path);
      bytes[offset]! ^= 1;
      writeFileSync(path, bytes);
      expect(outcomeOf(() => openBoard(path, { readOnly: true }))).toEqual(refused('not_found'));
      const board = openBoard(path);
      expect([board.fresh, board.names()]).toEqual([true, []]);
      expect(board.bytes.every((byte) => byte === 0)).toBe(true);
      board.close();
    }
  });

  test('allocated by a maker that was killed: the next one finishes it, a reader waits for that', () => {
    openBoard(path).close();
    const { size } = statSync(path);
    writeFileSync(path, new Uint8Array(size));
    expect(outcomeOf(() => openBoard(path, { readOnly: true }))).toEqual(refused('not_found'));
    const board = openBoard(path, { capacity: 3 });
    expect([board.fresh, board.slotCount]).toEqual([true, 512]);
    board.close();
    writeFileSync(path, new Uint8Array(0));
    expect(outcomeOf(() => openBoard(path, { readOnly: true }))).toEqual(refused('not_found'));
    expect(openBoard(path, { capacity: 3 }).slotCount).toBe(3);
  });

  test('not there: a reader is told, a writer makes it, and only where there is a directory', () => {
    expect(outcomeOf(() => openBoard(path, { readOnly: true }))).toEqual(refused('not_found'));
    const nowhere = join(directory, 'nowhere', 'board');
    expect(codeOf(() => openBoard(nowhere))).toBe('ERR_BOARD');
    expect(codeOf(() => openBoard(join(directory, 'x'.repeat(300))))).toBe('ERR_BOARD');
    expect(codeOf(() => openBoard(`${path}\0hidden`))).toBe('ERR_BOARD');
  });
});

describe('a file that is no board of ours is refused and left as it was', () => {
  const board = (change: (bytes: Buffer) => void): Buffer => {
    openBoard(path, { capacity: 4 }).close();
    const bytes = readFileSync(path);
    unlinkSync(path);
    change(bytes);
    return bytes;
  };
  const FILES: readonly [what: string, make: () => Uint8Array][] = [
    ['text', () => Buffer.from('not a board\n')],
    ['much text', () => Buffer.alloc(50_000, 'text ')],
    ['zeros of no size of a board', () => new Uint8Array(5000)],
    ['a header of zeros alone', () => new Uint8Array(4096)],
    ['zeros that end in something', () => board((bytes) => bytes.fill(0).fill(1, bytes.length - 1))],
    ['a board of another layout', () => board((bytes) => bytes.fill(9, LAYOUT_OFFSET, LAYOUT_OFFSET + 8))],
    ['a board cut short', () => board(() => {}).subarray(0, -100)],
    ['a board that says it has more slots', () => board((bytes) => bytes.writeUInt32LE(5, 48))],
    ['a board with another beginning', () => board((bytes) => bytes.write('X', 0))],
  ];

  test.each(FILES)('%s', (_, make) => {
    const bytes = make();
    writeFileSync(path, bytes, { mode: 0o600 });
    for (const readOnly of [false, true]) {
      const outcome = outcomeOf(() => openBoard(path, { readOnly }));
      const isZeroHeader = readOnly && bytes.subarray(0, 80).every((byte) => byte === 0);
      expect([refused('foreign'), ...(isZeroHeader ? [refused('not_found')] : [])]).toContainEqual(outcome);
    }
    expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
  });

  test('a directory, a pipe and a link', () => {
    mkdirSync(path);
    for (const readOnly of [false, true]) expect(codeOf(() => openBoard(path, { readOnly }))).toBe('ERR_BOARD');
    rmSync(path, { recursive: true });
    expect(Bun.spawnSync(['mkfifo', '-m', '600', path]).exitCode).toBe(0);
    for (const readOnly of [false, true])
      expect(outcomeOf(() => openBoard(path, { readOnly }))).toEqual(refused('foreign'));
    unlinkSync(path);
    openBoard(`${path}-real`).close();
    symlinkSync(`${path}-real`, path);
    for (const readOnly of [false, true]) {
      expect(outcomeOf(() => openBoard(path, { readOnly }))).toEqual(refused('permission'));
    }
  });

  test('one that others may read or write', () => {
    openBoard(path).close();
    for (const mode of [0o660, 0o606, 0o640, 0o604]) {
      chmodSync(path, mode);
      for (const readOnly of [false, true]) {
        expect(outcomeOf(() => openBoard(path, { readOnly }))).toEqual(refused('permission'));
      }
    }
    chmodSync(path, 0o600);
    openBoard(path).close();
  });

  test("somebody else's", () => {
    const isRoot = process.getuid?.() === 0;
    openBoard(path).close();
    if (isRoot) chownSync(path, 12_345, 12_345);
    const theirs = isRoot ? path : '/etc/passwd';
    for (const readOnly of [false, true]) {
      const details = { path: theirs, fault: 'permission' };
      expect(outcomeOf(() => openBoard(theirs, { readOnly }))).toEqual({ code: 'ERR_BOARD', details });
    }
  });

  test('a board that was cut while it was closed', () => {
    openBoard(path).close();
    truncateSync(path, statSync(path).size - 4096);
    expect(outcomeOf(() => openBoard(path))).toEqual(refused('foreign'));
  });
});

describe('options', () => {
  test.each([0, -1, 2 ** 20 + 1, 1.5, Number.NaN])('a capacity of %d is refused', (capacity) => {
    const details = { field: 'capacity', value: capacity, min: 1, max: 2 ** 20 };
    expect(outcomeOf(() => openBoard(path, { capacity }))).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
  });

  test.each(['', 'x', '0'.repeat(31), '0'.repeat(33), '0'.repeat(64), 'g'.repeat(32)])(
    'journal id %j is refused',
    (id) => {
      expect(codeOf(() => openBoard(path, { journalId: id }))).toBe('ERR_WRONG_TYPE');
    },
  );
});

describe('a mapping for reading only', () => {
  test('shows every change and can make none', () => {
    const board = openBoard(path);
    const slot = board.find('a', true)!;
    const reader = openBoard(path, { readOnly: true });
    expect([reader.readOnly, reader.fresh, reader.find('a', false)]).toEqual([true, false, slot]);
    step(board, slot, false);
    expect(configOfWords(cellOf(reader, slot))).toEqual(marked(1));
    expect(NATIVE.slotRead(reader, slot)).toEqual(image(1, marked(1), undefined, 0));
    const before = readFileSync(path);
    const uses = [
      () => reader.find('b', true),
      () => reader.find('a', true),
      () => NATIVE.slotSwap(reader, slot, request(reader, slot, marked(9)), null),
      () => NATIVE.slotSeed(reader, 5, image(1, marked(9))),
    ];
    for (const use of uses) expect(outcomeOf(use)).toEqual(refused('permission'));
    reader.announce(5);
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    expect(reader.check()).toBe('ok');
    board.close();
    reader.close();
  });
});

describe('closing', () => {
  test('leaves zeros behind the views and says so to everything else', () => {
    const board = openBoard(path);
    const slot = board.find('a', true)!;
    step(board, slot, false);
    const wanted = request(board, slot, marked(2));
    board.close();
    board.close();
    expect(board.words).toHaveLength(512 * WORDS_PER_SLOT);
    expect(board.words[slot * WORDS_PER_SLOT + 2]).toBe(0);
    expect(board.bytes.every((byte) => byte === 0)).toBe(true);
    const uses = [
      () => board.find('a', false),
      () => board.names(),
      () => board.rewind(1),
      () => board.check(),
      () => board.announce(1),
      () => board.head(),
      () => board.wait(slot, 0, 1),
    ];
    for (const use of uses) expect(outcomeOf(use)).toEqual({ code: 'ERR_CLOSED', details: { what: 'board' } });
    expect(codeOf(() => NATIVE.slotRead(board, slot))).toBe('ERR_CLOSED');
    expect(codeOf(() => NATIVE.slotSwap(board, slot, wanted, null))).toBe('ERR_CLOSED');
    expect(NATIVE.slotRead(openBoard(path), slot).revision).toBe(1);
  });

  test('leaves no open file and no mapping', () => {
    const held = (): number => readFileSync('/proc/self/maps', 'utf8').split(path).length + descriptorsTo(path);
    openBoard(path).close();
    const before = held();
    for (let i = 0; i < 50; i++) openBoard(path).close();
    for (let i = 0; i < 50; i++) expect(codeOf(() => openBoard(path, { capacity: 0 }))).toBe('ERR_OUT_OF_RANGE');
    truncateSync(path, 5000);
    for (let i = 0; i < 50; i++) expect(outcomeOf(() => openBoard(path))).toEqual(refused('foreign'));
    expect(held()).toBe(before);
  });
});
