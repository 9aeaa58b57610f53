/**
 * What another process does on a board, for the tests that start, watch and kill real ones. The first argument
 * names the part it plays, the second the board's file. It writes a line when it is ready, and one of JSON when it
 * is done.
 * @module
 */
import { copyCell, fullRevision, REVISION_LOW_MASK, wordsOfConfig } from '../../bindings/cell-words.ts';
import { WORDS_PER_SLOT } from '../../bindings/cell-words.ts';
import { ACK_WORD, BOARD, NATIVE, openBoard, say, step } from './board-steps.ts';

/** A reader goes on until it saw so many changes, however the machine shares its processors out. */
const SEEN_MIN = 2000;

const [, , part, path, ...rest] = process.argv;
const PARTS: Record<string, (path: string, ...rest: string[]) => void> = {
  write,
  'read-image': (file, count) => readImages(file, Number(count), false),
  'read-image-read-only': (file, count) => readImages(file, Number(count), true),
  'read-cell': (file, count) => readCells(file, Number(count), false),
  'read-cell-read-only': (file, count) => readCells(file, Number(count), true),
  echo,
  hold,
  raise: (file, bit, count) => raise(file, bit!, count!),
  wait: (file) => wait(file, false),
  'wait-read-only': (file) => wait(file, true),
  open,
  fill,
};
PARTS[part!]!(path!, ...rest);

/** Swaps until it is killed; after each swap that succeeded it raises the count in its own slot, which outlives it. */
function write(file: string, own: string): void {
  const board = openBoard(file);
  const slot = board.find('hammered', true)!;
  const ack = board.find(own, true)! * WORDS_PER_SLOT + ACK_WORD;
  say('ready');
  for (let i = 0; ; i++) {
    if (busyAsNull(() => step(board, slot, i % 64 === 0))) board.words[ack]!++;
  }
}

function readImages(file: string, count: number, readOnly: boolean): void {
  const board = openBoard(file, { readOnly });
  const slot = board.find('hammered', false)!;
  let [torn, backwards, seen, latest] = [0, 0, 0, 0];
  for (let i = 0; i < count || (seen < SEEN_MIN && i < count * 50); i++) {
    const { revision, config } = NATIVE.slotRead(board, slot);
    if (config.some((byte) => byte !== (revision & 0xff))) torn++;
    if (revision < latest) backwards++;
    if (revision !== latest) seen++;
    latest = revision;
  }
  say(JSON.stringify({ torn, backwards, seen }));
}

function readCells(file: string, count: number, readOnly: boolean): void {
  const board = openBoard(file, { readOnly });
  const slot = board.find('hammered', false)!;
  const cell = new Uint32Array(4);
  let [torn, backwards, seen, latest] = [0, 0, 0, 0];
  for (let i = 0; i < count || (seen < SEEN_MIN && i < count * 50); i++) {
    copyCell(board.words, slot, cell);
    const mark = cell[0]! & 0xff;
    const word = mark | (mark << 8) | (mark << 16) | (mark << 24);
    const whole =
      cell[0]! >>> 24 === mark && (cell[1]! | 0) === word && (cell[2]! | 0) === word && (cell[3]! | 0) === word;
    if (!whole) torn++;
    const revision = fullRevision(board.words, slot, cell[0]!);
    if (((revision ^ cell[0]!) & REVISION_LOW_MASK) !== 0 || revision < latest) backwards++;
    if (revision !== latest) seen++;
    latest = revision;
  }
  say(JSON.stringify({ torn, backwards, seen }));
}

/** Answers each write in slot `ask` with one of the same revision in slot `answer`. */
function echo(file: string, rounds: string): void {
  const board = openBoard(file);
  const [ask, answer] = [board.find('ask', true)!, board.find('answer', true)!];
  say('ready');
  for (let round = 1; round <= Number(rounds); round++) {
    for (;;) {
      const seen = board.words[ask * WORDS_PER_SLOT + 4]!;
      if ((board.words[ask * WORDS_PER_SLOT]! & REVISION_LOW_MASK) >= round) break;
      board.wait(ask, seen, 1000);
    }
    step(board, answer, false);
  }
  say('done');
}

/** Lives until it is killed, holding what the command before it made it inherit. */
function hold(): void {
  say('ready');
  setInterval(() => {}, 60_000);
}

/** Raises the rollout of one feature again and again, each time from what it read, whatever others do to the rest. */
function raise(file: string, bit: string, count: string): void {
  const board = openBoard(file);
  const slot = board.find('raised', true)!;
  for (let i = 1; i <= Number(count);) {
    const { config, revision, rollouts: seenRollouts } = NATIVE.slotRead(board, slot);
    const expected = wordsOfConfig(config);
    expected[0] = expected[0]! | (revision & REVISION_LOW_MASK);
    const rollouts = seenRollouts.with(Number(bit), i);
    const wanted = { expected, desired: expected, rollouts, seenRollouts, at: 1, kind: 1, readNs: null, timed: false };
    if (busyAsNull(() => NATIVE.slotSwap(board, slot, wanted, null))) i++;
  }
  say('done');
}

function busyAsNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if ((error as { details?: { fault?: string } }).details?.fault !== 'busy') throw error;
    return null;
  }
}

/** Ends with 0 when another process's write woke it, with 3 when the time was over. */
function wait(file: string, readOnly: boolean): void {
  const board = openBoard(file, { readOnly });
  const slot = board.find('watched', false)!;
  const seen = board.words[slot * WORDS_PER_SLOT + 4]!;
  say('ready');
  process.exit(board.wait(slot, seen, 5000) ? 0 : 3);
}

function open(file: string): void {
  const board = openBoard(file);
  const slots = Array.from({ length: 50 }, (_, i) => board.find(`name-${i}`, true));
  say(JSON.stringify({ fresh: board.fresh, slots }));
}

/** Opens a board that does not fit, and then a small one on the same path. */
function fill(file: string): void {
  const faults: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    try {
      openBoard(file, { capacity: 100_000 });
      faults.push(null);
    } catch (error) {
      faults.push((error as { details: unknown }).details);
    }
  }
  const size = Bun.file(file).size;
  const board = openBoard(file, { capacity: BOARD.capacity });
  const slot = board.find('a', true)!;
  const revision = step(board, slot, false);
  say(JSON.stringify({ faults, size, fresh: board.fresh, revision }));
}
