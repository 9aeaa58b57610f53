/** Imports as a whole: nothing is dropped in silence, and nothing that is no good flag comes out. @module */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isConfigError } from '../../../src/errors/errors.ts';
import { effectOf, FINDING_CODES } from '../../../src/flags/import/findings.ts';
import { parseDefinition } from '../../../src/flags/definition.ts';
import { codesOf, convert, flagOf, sample, SAMPLES, statusOf } from './fixtures.ts';

function faultOf(text: string, options = {}): string {
  try {
    convert(text, options);
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_IMPORT') return `${error.message} ${error.hint}`;
    throw error;
  }
  return 'none';
}

describe('what a document is', () => {
  test.each([
    ['flagd-array.json', 'flagd', {}],
    ['unleash-export.json', 'unleash', {}],
    ['unleash-state-v4.json', 'unleash', { environment: 'production' }],
    ['launchdarkly-flags-api.json', 'launchdarkly', {}],
    ['launchdarkly-sdk-file.json', 'launchdarkly', {}],
  ])('%s is of %s, told by its shape', (file, format, options) => {
    expect(convert(sample(file), options).format).toBe(format);
  });

  test('it may come wrapped in what sent it, as a list of pages, or as one flag', () => {
    const unleash = JSON.parse(sample('unleash-export.json')) as object;
    const request = JSON.stringify({ project: 'shop', environment: 'test', data: unleash });
    expect(convert(request).flags).toHaveLength(7);
    expect(faultOf(request.replace('"project"', '"somethingNew"'))).toContain('This is no export');
    const page = JSON.parse(sample('launchdarkly-flags-api.json')) as { items: object[] };
    expect(convert(JSON.stringify([page])).flags).toHaveLength(3);
    expect(convert(JSON.stringify(page.items[1])).flags.map(({ key }) => key)).toEqual(['shop.open']);
    const loaded = JSON.parse(sample('launchdarkly-sdk-file.json')) as object;
    expect(convert(JSON.stringify({ path: '/', data: loaded })).format).toBe('launchdarkly');
  });

  test.each(['', 'no json', '[]', '{}', '7', 'null', '{"flags":7}', '{"features":[]}', '{"items":[{}]}'])(
    '%j is no export',
    (text) => expect(faultOf(text)).toMatch(/^(The export is not JSON|This is no export)/),
  );

  test('a format that was asked for has to be the right one', () => {
    expect(faultOf(sample('flagd-array.json'), { format: 'unleash' })).toContain('This is no unleash export');
  });

  test('names that mean something to the language are refused with their place', () => {
    const text = sample('flagd-array.json').replace('"small"', '"__proto__"');
    expect(faultOf(text)).toContain('/flags/1/variants/__proto__');
    expect(faultOf(`{"flags":{"a":${'{"variants":'.repeat(300)}1${'}'.repeat(300)}}}`)).toContain('nested so deep');
  });

  test('a file of segments has to be one', () => {
    expect(faultOf(sample('flagd-array.json'), { segments: '[]' })).toContain('A flagd file knows no segments');
    expect(faultOf(sample('unleash-export.json'), { segments: '{}' })).toContain('The file of segments has none');
    const { findings } = convert(sample('unleash-export.json'), {
      segments: '{"segments":[{"id":7,"new":1}],"more":1}',
    });
    const places = findings.filter(({ code }) => code === 'unknown-field').map(({ path }) => path);
    expect(places).toEqual(['segments#/segments/0/new', 'segments#/more']);
  });

  test('an environment has to be one of those that are there', () => {
    const state = sample('unleash-state-v4.json');
    expect(faultOf(state)).toContain('Choose one of: development, production.');
    expect(faultOf(state, { environment: 'staging' })).toContain('no environment "staging"');
    expect(faultOf(sample('launchdarkly-flags-api.json'), { environment: 'test' })).toContain('one of: production.');
    const page = sample('launchdarkly-flags-api.json').replaceAll('"environments"', '"elsewhere"');
    expect(faultOf(page)).toContain('This is no export');
  });
});

describe('nothing is dropped in silence', () => {
  // Below these, everything is data or has no meaning here.
  const opaque = new RegExp(
    `/(${[
      '_links|_site|_access|_maintainer|_purpose|_unboundedMetadata|defaults|experiments/items|goalIds|migration',
      'contextFields|legalValues|tagTypes|tags|strategies|projects|environments/\\d+|parameters',
      'value|values|variants/[^/]+|flagValues',
    ].join('|')})(/|$)`,
  );
  const isFree = (path: string, file: string): boolean => {
    if (file === 'flagd-array.json') return !/\/(variants|targeting|metadata|\$evaluators)(\/|$)/.test(path);
    if (path.endsWith('/customProperties') || /^\/(flags|segments)$/.test(path)) return false;
    if (path.endsWith('/environments')) return false;
    return !opaque.test(file.startsWith('unleash') ? path.replaceAll(/\/variants\/\d+/g, '/variant') : path);
  };

  test.each(SAMPLES)('an unknown key anywhere in $file is found', ({ file, options }) => {
    const places: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Array.isArray(value) && isFree(path, file)) places.push(path);
      for (const [key, member] of Object.entries(value)) walk(member, `${path}/${key}`);
    };
    walk(JSON.parse(sample(file)), '');
    expect(places.length).toBeGreaterThan(2);
    for (const place of places) {
      const document = JSON.parse(sample(file)) as Record<string, unknown>;
      const holder = place
        .split('/')
        .slice(1)
        .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, document);
      holder['somethingNew'] = 1;
      const { findings } = convert(JSON.stringify(document), options);
      const found = findings.filter(({ code, path }) => code === 'unknown-field' && path === `${place}/somethingNew`);
      expect(found.length, `${file} ${place}`).toBeGreaterThan(0);
    }
  });

  test('a value of another type is malformed, and takes its flag with it', () => {
    const page = sample('launchdarkly-flags-api.json').replace(
      /"on": true,(\s+"archived": false,\s+"salt": "x")/,
      '"on": "yes",$1',
    );
    const conversion = convert(page, { segments: sample('launchdarkly-segments-api.json') });
    expect(codesOf(conversion, 'shop.open')).toContain('malformed');
    expect(statusOf(conversion, 'shop.open')).toBe('skipped');
    expect(statusOf(conversion, 'basket.new')).toBe('skipped');
  });

  test.each(SAMPLES)('every flag that comes out of $file is a good one', ({ file, options }) => {
    const { flags, set } = convert(sample(file), options);
    for (const { key, flag, status } of flags) {
      expect(flag === null).toBe(status === 'skipped');
      if (flag !== null) expect(parseDefinition(key, flag.definition, set.evaluators)).toEqual(flag.definition);
    }
  });

  test('whatever a document holds, there are findings or an ERR_IMPORT', () => {
    const texts = SAMPLES.map(({ file, options }) => ({ text: sample(file), options }));
    const mutation = fc.record({
      sample: fc.constantFrom(...texts),
      at: fc.nat(4000),
      value: fc.constantFrom(null, 0, -1, 1e300, '', 'x', '../x', '$flagd.x', [], {}, true, [[]], { a: 1 }),
    });
    fc.assert(
      fc.property(mutation, ({ sample: { text, options }, at, value }) => {
        let left = at % (text.match(/[:,[]/g)?.length ?? 1);
        const changed = JSON.stringify(JSON.parse(text), (_, member: unknown) => (left-- === 0 ? value : member));
        expect(typeof faultOf(changed, options)).toBe('string');
      }),
      { seed: 13, numRuns: 200 },
    );
  });
});

describe('keys', () => {
  test('a prefix is put before every key', () => {
    const { flags } = convert(sample('flagd-array.json'), { prefix: 'shop.' });
    expect(flags.map(({ key }) => key)).toEqual(['shop.header-colour', 'shop.limits']);
  });

  test('a key that no flag can have, and one that comes twice, are skipped', () => {
    const flag = { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' };
    const conversion = convert(
      JSON.stringify({
        flags: [
          { key: 'a/b', ...flag },
          { key: 'a', ...flag },
          { key: 'a', ...flag },
        ],
      }),
    );
    expect(conversion.flags.map(({ key, status }) => [key, status])).toEqual([
      ['a/b', 'skipped'],
      ['a', 'skipped'],
    ]);
    expect(codesOf(conversion, 'a')).toEqual(['duplicate-key']);
    expect(codesOf(conversion, 'a/b')).toEqual(['invalid-flag']);
  });

  test('the second flag of a feature with variants must not be another feature', () => {
    const text = sample('unleash-export.json').replaceAll('beta-banner', 'checkout-redesign.variant');
    expect(codesOf(convert(text), 'checkout-redesign.variant')).toContain('name-clash');
  });
});

test('facts that are too long are cut with a finding', () => {
  const page = JSON.parse(sample('launchdarkly-flags-api.json')) as { items: Record<string, unknown>[] };
  Object.assign(page.items[1]!, { description: 'x'.repeat(3000), tags: ['y'.repeat(60), 'ops'] });
  const conversion = convert(JSON.stringify(page));
  const { description, tags } = flagOf(conversion, 'shop.open');
  expect([description!.length, tags]).toEqual([2000, ['ops']]);
  expect(codesOf(conversion, 'shop.open')).toEqual(['not-carried']);
});

test('docs/IMPORT.md has every finding, with what it makes of a flag', () => {
  const document = readFileSync(new URL('../../../docs/IMPORT.md', import.meta.url), 'utf8');
  const rows = [...document.matchAll(/^\| (`[^|]+`) \| (\w+) \|/gm)];
  const said = rows.flatMap(([, codes = '', effect]) =>
    codes.split(', ').map((code) => `${code.replaceAll('`', '')} ${effect}`),
  );
  expect(said.toSorted()).toEqual(FINDING_CODES.map((code) => `${code} ${effectOf(code)}`).toSorted());
});
