/** What a line holds, what is left out, and that no line is lost when the program ends. @module */
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { prettyLines } from '../../src/logging/pretty.ts';
import { PerformanceLogger } from '../../src/logging/performance-logger.ts';
import { requestIdOf, requestLog, targetOf } from '../../src/logging/request-log.ts';
import { keptLines } from './lines.ts';

const PROGRAM = join(import.meta.dirname, 'log-program.ts');

/** Runs the program; what it wrote to stderr, its log's lines apart. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, PROGRAM, ...args], {
    env: { ...Bun.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, said] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  const lines = said.split('\n').filter((line) => line.startsWith('{"level"'));
  return { code: child.exitCode, signal: child.signalCode, out, said, lines: lines.map((line) => JSON.parse(line)) };
}

describe('a line', () => {
  it('holds level, time, name, text and fields', () => {
    const { logger, all } = keptLines();
    logger.info('Application started', { version: '1.0.0' });
    logger.child({ id: 'r1' }).error('failed', { err: new TypeError('no') });
    logger.warn('alone');
    expect(all()).toMatchObject([
      { level: 'info', name: 'test', msg: 'Application started', version: '1.0.0', time: expect.any(Number) },
      { level: 'error', id: 'r1', msg: 'failed', err: { name: 'TypeError', message: 'no' } },
      { level: 'warn', msg: 'alone' },
    ]);
  });

  it('is one line, whatever is in it', () => {
    const { logger, text } = keptLines();
    logger.info('a\nb\r\u2028{"level":"fatal"}', { 'x\ny': 'c\nd' });
    expect(text().trimEnd().split('\n')).toHaveLength(1);
  });

  it('is left out below the level, which one switch sets for all of a family', () => {
    const { logger, all } = keptLines('warn');
    const child = logger.child({ part: 'child' });
    child.info('left out');
    logger.level = 'debug';
    child.debug('there');
    child.level = 'silent';
    logger.fatal('left out too');
    expect([all().map(({ msg }) => msg), logger.level]).toEqual([['there'], 'silent']);
  });
});

describe('a program that ends', () => {
  it.each([
    ['by itself', 'nothing', 0],
    ['with a code', 'exit', 3],
    ['by an error', 'throw', 1],
  ])('%s has written every line', async (_how, end, code) => {
    const ended = await run([end, '2000']);
    expect(ended.code).toBe(code);
    // What was under way may be there twice; nothing is missing.
    expect([...new Set(ended.lines.map(({ i }) => i))]).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect(ended.out).toBe('');
  });

  it('by being killed after a fatal line has written that line and those before', async () => {
    const { lines, signal } = await run(['fatal', '50']);
    expect(signal).toBe('SIGKILL');
    expect(lines.map(({ msg }) => msg)).toEqual([...Array<string>(50).fill('line'), 'the last one']);
  });
});

test('C13_LOG_LEVEL says how much is written, and must be a level', async () => {
  expect((await run(['nothing'], { C13_LOG_LEVEL: 'debug' })).lines).toHaveLength(4);
  expect((await run(['nothing'], { C13_LOG_LEVEL: 'error' })).lines).toHaveLength(0);
  const refused = await run(['nothing'], { C13_LOG_LEVEL: 'loud' });
  expect([refused.code, refused.said]).toEqual([1, expect.stringContaining('C13_LOG_LEVEL: "loud" is not one of')]);
});

describe('the performance logger', () => {
  it('logs how long it took, to the nanosecond', () => {
    const { logger, all } = keptLines();
    let now_ns = 1000;
    const performanceLogger = new PerformanceLogger(logger.child({ operation: 'database' }), () => now_ns);
    now_ns += 1_234_567;
    expect(performanceLogger.finish('database', { rows: 3 })).toBe(1.234567);
    now_ns += 1;
    performanceLogger.finish('again');
    expect(all()).toMatchObject([
      { msg: 'database', operation: 'database', rows: 3, duration_ms: 1.234567 },
      { msg: 'again', duration_ms: 1.234568 },
    ]);
  });

  it('is there for programs', async () => {
    const { lines } = await run(['performance', '0']);
    expect(lines).toMatchObject([{ name: '@myapp', operation: 'database', msg: 'queried', rows: 2 }]);
    expect(lines[0].duration_ms).toBeGreaterThan(0);
  });
});

describe('the line of a request', () => {
  const facts = { id: 'r1234567', method: 'GET', status: 200, duration_ms: 0.12345, user: 'ann', address: '::1' };

  it('says who asked for what and how it ended; a failure of ours is an error', () => {
    const { logger, all } = keptLines();
    requestLog(logger)({ ...facts, url: 'http://localhost:4873/health?a=1' });
    requestLog(logger)({ ...facts, url: '/health', status: 503 });
    const line = { id: 'r1234567', method: 'GET', duration_ms: 0.123, user: 'ann', address: '::1', msg: 'request' };
    expect(all()).toMatchObject([
      { ...line, level: 'info', path: '/health?a=1', status: 200 },
      { ...line, level: 'error', path: '/health', status: 503 },
    ]);
    expect(Object.keys(all()[0])).not.toContain('request');
  });

  it('holds the headers when it is handed them', () => {
    const { logger, all } = keptLines();
    const headers = {
      request: new Headers({ accept: 'text/html', authorization: 'Bearer x' }),
      response: new Headers(),
    };
    requestLog(logger)({ ...facts, url: '/' }, headers);
    expect(all()[0]).toMatchObject({ request: { accept: 'text/html', authorization: '[redacted]' }, response: {} });
  });

  it('cuts the target and keeps it printable', () => {
    expect(targetOf('http://localhost')).toBe('/');
    for (const path of ['/-/user/token/npm_abc', '/-/npm/v1/tokens/token/abc', '/-/user/token%2Fabc/def']) {
      expect(targetOf(`http://localhost${path}?a=1`)).toMatch(/\/token(?:\/|%2F)\[redacted\]\?a=1$/);
    }
    expect(targetOf('/a b\u001b[31m\u00e4')).toBe('/a?b?[31m?');
    expect(targetOf(`/${'a'.repeat(600)}`)).toHaveLength(500);
    expect(targetOf(`/${'a'.repeat(490)}?token=${'s'.repeat(40)}`)).not.toContain('ss');
  });

  it('takes the id that a proxy gave, when it is one', () => {
    expect(requestIdOf('abc-123_4.5')).toBe('abc-123_4.5');
    for (const given of ['', 'short', 'a b c d e f g', 'x'.repeat(65), 'c13_pat_AAAA1111BBBB2222CCCC']) {
      expect(requestIdOf(given === '' ? null : given), given).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
    }
  });
});

test('a person reads a line, and it cannot steer the terminal', () => {
  const { logger, text } = keptLines();
  logger.info('up\u001b[2J\u009b31m\n\\u001b', { port: 4873 });
  const pretty = prettyLines({ colorize: false, singleLine: true, translateTime: 'UTC:HH:MM' })(text());
  expect(pretty).toContain('INFO');
  expect(pretty).toContain('4873');
  expect(pretty).toContain('up\\u001b[2J\\u009b31m\n');
  expect(pretty.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
});
