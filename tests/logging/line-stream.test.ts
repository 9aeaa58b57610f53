/** Lines reach real descriptors whole and in order, and one that does not take them stops nobody. @module */
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LineStream } from '../../src/logging/line-stream.ts';

function tempFile(): { path: string; fd: number } {
  const directory = mkdtempSync(join(tmpdir(), 'c13-log-'));
  const path = join(directory, 'log');
  const fd = openSync(path, 'a');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return { path, fd };
}

test('every line arrives, in order, however many there are', async () => {
  const { path, fd } = tempFile();
  const stream = new LineStream(fd);
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} \u00e4\n`);
  for (const [i, line] of lines.entries()) {
    stream.write(line);
    if (i % 3000 === 0) await stream.flush();
  }
  await stream.flush();
  expect(readFileSync(path, 'utf8')).toBe(lines.join(''));
  await stream.flush();
});

test('what a full pipe takes only in part arrives whole when somebody reads', async () => {
  const { path } = tempFile();
  Bun.spawnSync(['mkfifo', `${path}-pipe`]);
  const fd = openSync(`${path}-pipe`, constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(fd));
  const stream = new LineStream(fd);
  const text = `${Array.from({ length: 30_000 }, (_, i) => i).join(' ')}\n`;
  stream.write(text);
  await stream.flush();
  let read = '';
  const buffer = Buffer.alloc(200_000);
  const readSome = (): string => {
    try {
      read += buffer.toString('utf8', 0, readSync(fd, buffer));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
    }
    return read;
  };
  await expect.poll(readSome, { timeout: 20_000, interval: 50 }).toBe(text);
});

test('at once, when it is the last', () => {
  const { path, fd } = tempFile();
  const stream = new LineStream(fd);
  stream.write('a\n');
  stream.write('b\n');
  expect(readFileSync(path, 'utf8')).toBe('');
  stream.flushSync();
  expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
});

test('what exceeds the limit is left out, counted, and told as soon as there is room', async () => {
  const { path, fd } = tempFile();
  const stream = new LineStream(fd, 1000);
  for (let i = 0; i < 30; i++) stream.write(`${'x'.repeat(99)}\n`);
  expect(stream.lost).toBe(20);
  await stream.flush();
  const written = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(written).toHaveLength(11);
  expect(JSON.parse(written[10]!)).toMatchObject({ level: 'warn', msg: 'lines were left out', count: 20 });
  expect(stream.lost).toBe(0);
});

test('a full disk fails no caller and keeps no more than the limit', async () => {
  const fd = openSync('/dev/full', 'w');
  const stream = new LineStream(fd, 50_000);
  for (let i = 0; i < 2000; i++) stream.write(`${'x'.repeat(99)}\n`);
  await stream.flush();
  for (let i = 0; i < 2000; i++) stream.write(`${'x'.repeat(99)}\n`);
  expect(stream.lost).toBeGreaterThan(0);
  stream.flushSync();
});

test('a reader that is gone is written to no more', async () => {
  const { fd } = tempFile();
  const stream = new LineStream(fd);
  closeSync(fd);
  stream.write('a\n');
  await stream.flush();
  stream.write('b\n');
  await stream.flush();
  stream.flushSync();
  expect(stream.lost).toBe(0);
});
