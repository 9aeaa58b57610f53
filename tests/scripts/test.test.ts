/** The test command itself, on a checkout of two small test files: it must not be green by mistake. @module */
import { expect, test } from 'vitest';
import { checkoutOf } from './checkout.ts';

const BUILD = `
const std = @import("std");
pub fn build(b: *std.Build) void {
    const module = b.createModule(.{ .root_source_file = b.path("a.zig"), .target = b.graph.host });
    const tests = b.addRunArtifact(b.addTest(.{ .root_module = module }));
    b.step("test", "Run the tests").dependOn(&tests.step);
}
`;
const GOOD = { zig: 'test "a" {}\n', typescript: "import { test } from 'vitest';\ntest('a', () => {});\n" };
const BAD = {
  zig: `${GOOD.zig}test "b" {\n    return error.B;\n}\n`,
  typescript: `${GOOD.typescript}test('b', () => {\n  throw new Error('b');\n});\n`,
};

const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1);

test('passed and failed tests of both languages are summed, and decide the exit code', async () => {
  const files = { 'build.zig': BUILD, 'a.zig': GOOD.zig, 'tests/a.test.ts': GOOD.typescript };
  await using checkout = await checkoutOf(files, true);
  const green = await checkout.run('test.ts');
  expect(lastLine(green.stdout)).toBe('2 passed, 0 failed');
  expect(green.exitCode).toBe(0);

  await checkout.write('a.zig', BAD.zig);
  await checkout.write('tests/a.test.ts', BAD.typescript);
  const red = await checkout.run('test.ts');
  expect(lastLine(red.stdout)).toBe('2 passed, 2 failed');
  expect(red.exitCode).toBe(1);

  await checkout.write('a.zig', 'test "a" { nonsense }\n');
  await checkout.write('tests/a.test.ts', 'throw new Error();\n');
  const broken = await checkout.run('test.ts');
  expect(lastLine(broken.stdout)).toBe('0 passed, 2 failed');
  expect(broken.exitCode).toBe(1);
});

test('arguments choose vitest files, and choosing none is a failure', async () => {
  const files = { 'tests/a.test.ts': GOOD.typescript, 'tests/b.test.ts': BAD.typescript };
  await using checkout = await checkoutOf(files, true);
  const one = await checkout.run('test.ts', 'tests/a');
  expect(lastLine(one.stdout)).toBe('1 passed, 0 failed');
  expect(one.exitCode).toBe(0);
  const none = await checkout.run('test.ts', 'nothing');
  expect(lastLine(none.stdout)).toBe('0 passed, 1 failed');
  expect(none.exitCode).toBe(1);
});
