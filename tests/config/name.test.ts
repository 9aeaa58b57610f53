/** Config names: one spelling each, and nothing a path could mean. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { configNameOf, configOfStream, configStream, featuresStream, parseConfigName } from '../../src/config/name.ts';
import { SEEDED } from './arbitraries.ts';

test.each([
  ['default', 'default', null],
  ['checkout/production', 'checkout', 'production'],
  ['a', 'a', null],
  ['my-service_2.api/eu-1', 'my-service_2.api', 'eu-1'],
  ['a'.repeat(63), 'a'.repeat(63), null],
])('%s is a name', (name, service, environment) => {
  expect(parseConfigName(name)).toEqual({ name, service, environment });
});

const PATHS = ['', '/', 'a/', '/a', 'a//b', 'a/b/c', '.', '..', 'a..b', '../a', 'a/..', '.a', 'a.', '-a', 'a-'];
const LETTERS = ['A', 'Checkout', 'a b', 'a\n', 'a\u0000', 'a\\b', 'ä', 'a%2e', 'a:b', 'a*', 'a>', 'a'.repeat(64)];

test.each<unknown>([...PATHS, ...LETTERS, null, 1, undefined, {}])('%j is none', (name) => {
  expect(() => parseConfigName(name)).toThrow(expect.objectContaining({ code: 'ERR_NAME' }));
});

test('an error shows at most 80 characters of what was sent', () => {
  expect(() => parseConfigName('x'.repeat(100_000))).toThrow(
    expect.objectContaining({ details: { name: 'x'.repeat(80) } }),
  );
});

describe('streams', () => {
  test('a config has its own, its features one for all environments', () => {
    expect(configStream('checkout/production')).toBe('config:checkout/production');
    expect(featuresStream('checkout/production')).toBe('features:checkout');
    expect(configOfStream('features:checkout')).toBeNull();
  });

  test('service and environment make the name, the environment may be left out', () => {
    expect(configNameOf('checkout', 'production')).toBe('checkout/production');
    expect([configNameOf('checkout'), configNameOf('checkout', null), configNameOf('checkout', '')]).toEqual(
      Array.from({ length: 3 }, () => 'checkout'),
    );
  });

  test('any text is a name that comes back from its stream, or an error with a code', () => {
    const letters = fc.constantFrom('a', 'z', '0', '.', '-', '_', '/', 'A', ' ', '..');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(letters).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            expect(configOfStream(configStream(text))).toBe(text);
          } catch (error) {
            expect(isConfigError(error) && error.code).toBe('ERR_NAME');
          }
        },
      ),
      SEEDED,
    );
  });
});
