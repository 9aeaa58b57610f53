/** Imports as a whole: nothing is dropped in silence, and nothing that is no good flag comes out. @module */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isConfigError } from '../../../src/errors/errors.ts';
import { effectOf, FINDING_CODES } from '../../../src/flags/import/findings.ts';
import { parseDefinition } from '../../../src/flags/definition.ts';
import type { Conversion } from '../../../src/flags/import/conversion.ts';
import { ON_OFF } from '../fixtures.ts';
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

describe('facts of flags that are there', () => {
  const said = { clientVisible: true, description: 'ours', owner: 'ann', tags: ['ours'], expiresAt: 7 };
  const thereAre = (keys: readonly string[], archivedAt: number | null = null) => ({
    flags: new Map(keys.map((key) => [key, { ...said, archivedAt, definition: ON_OFF }])),
    set: { evaluators: {}, metadata: {} },
  });
  const factsOf = (conversion: Conversion, key: string) => {
    const { definition: _, ...facts } = flagOf(conversion, key);
    return facts;
  };

  test('stay where a source does not speak of them; what it marks is added to tags', () => {
    const sdk = JSON.parse(sample('launchdarkly-sdk-file.json')) as { flags: Record<string, object> };
    Object.assign(sdk.flags['shop.open']!, { deprecated: true, clientSideAvailability: { usingMobileKey: false } });
    const keys = ['shop.open', 'simple-bool'];
    const loaded = convert(JSON.stringify(sdk), {}, thereAre(keys));
    expect(factsOf(loaded, 'shop.open')).toEqual({
      ...said,
      clientVisible: false,
      tags: ['ours', 'deprecated'],
      archivedAt: null,
    });
    expect(factsOf(loaded, 'simple-bool')).toEqual({ ...said, archivedAt: null });

    const features = { features: [{ name: 'a', enabled: true, stale: true, strategies: [{ name: 'default' }] }] };
    const fetched = convert(JSON.stringify(features), {}, thereAre(['a']));
    expect(factsOf(fetched, 'a')).toEqual({ ...said, tags: ['ours', 'stale'], archivedAt: null });
    const plain = convert(JSON.stringify({ flags: { a: ON_OFF } }), {}, thereAre(['a']));
    expect(factsOf(plain, 'a')).toEqual({ ...said, archivedAt: null });
  });

  test('are replaced where it does, those that it knows', () => {
    const page = convert(sample('launchdarkly-flags-api.json'), {}, thereAre(['shop.open']));
    const { expiresAt, tags, description } = flagOf(page, 'shop.open');
    expect([expiresAt, tags, description]).toEqual([7, [], 'ours']);
    const features = convert(sample('unleash-export.json'), {}, thereAre(['search-ranking']));
    expect(factsOf(features, 'search-ranking')).toEqual({ ...said, description: null, tags: [], archivedAt: null });
  });

  test('whether a flag is in use changes with a finding only', () => {
    const archived = (value: boolean | undefined) =>
      JSON.stringify({ features: [{ name: 'a', enabled: true, strategies: [], archived: value }] });
    const outcome = (text: string, archivedAt: number | null) => {
      const conversion = convert(text, {}, thereAre(['a'], archivedAt));
      return [flagOf(conversion, 'a').archivedAt, ...codesOf(conversion, 'a')];
    };
    expect(outcome(archived(undefined), null)).toEqual([null]);
    expect(outcome(archived(undefined), 5)).toEqual([5, 'stays-archived']);
    expect(outcome(archived(false), null)).toEqual([null]);
    expect(outcome(archived(false), 5)).toEqual([null, 'unarchived']);
    expect(outcome(archived(true), null)).toEqual([0, 'archived']);
    expect(outcome(archived(true), 5)).toEqual([5, 'archived']);
    const copy = JSON.stringify({ flags: { a: { ...ON_OFF, metadata: { 'c13.archivedAt': 9 } } } });
    expect(outcome(copy, null)).toEqual([9, 'archived']);
    expect(outcome(copy, 5)).toEqual([9]);
  });
});

describe('what flags share already', () => {
  const staff = { ends_with: [{ var: 'email' }, '@ours.example'] };
  const there = { flags: new Map(), set: { evaluators: { staff }, metadata: { version: '1', team: 'shop' } } };
  const flag = { ...ON_OFF, targeting: { if: [{ $ref: 'staff' }, 'on', 'off'] } };

  test('counts for what a file refers to, in flags and in evaluators', () => {
    const crew = { and: [{ $ref: 'staff' }, { var: 'crew' }] };
    const { flags, set, findings } = convert(JSON.stringify({ flags: { a: flag }, $evaluators: { crew } }), {}, there);
    expect([flags[0]!.status, findings]).toEqual(['exact', []]);
    expect(set).toEqual({ evaluators: { staff, crew }, metadata: there.set.metadata });
    expect(convert(sample('unleash-export.json'), {}, there).set).toEqual(there.set);
  });

  test('is found where the file says something else, whatever the order of keys', () => {
    const same = { $evaluators: { staff: { ...staff } }, metadata: { team: 'shop', version: '1' } };
    expect(convert(JSON.stringify({ flags: { a: flag }, ...same }), {}, there).findings).toEqual([]);
    const other = { $evaluators: { staff: { var: 'staff' } }, metadata: { version: '2' } };
    const { findings, set } = convert(JSON.stringify({ flags: { a: flag }, ...other }), {}, there);
    expect(findings.map(({ code, path, severity }) => [code, path, severity])).toEqual([
      ['evaluator-replaced', '/$evaluators/staff', 'warn'],
      ['metadata-replaced', '/metadata/version', 'warn'],
    ]);
    expect(set).toEqual({ evaluators: other.$evaluators, metadata: { version: '2', team: 'shop' } });
  });

  test('stays as it is where what the file shares is malformed', () => {
    const circle = { flags: { a: flag }, $evaluators: { staff: { $ref: 'crew' }, crew: { $ref: 'staff' } } };
    const { set, findings, flags } = convert(JSON.stringify(circle), {}, there);
    const found = findings.map(({ code, flag: of }) => [code, of]);
    expect(found).toEqual([
      ['invalid-flag', null],
      ['invalid-flag', 'a'],
    ]);
    // Not by a rule of the same name that the file does not mean.
    expect([set, flags[0]!.status]).toEqual([there.set, 'skipped']);
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
