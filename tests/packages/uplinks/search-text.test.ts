/** What the text of a search names, however it is written. @module */
import { describe, expect, it } from 'vitest';
import { namesIn } from '../../../src/packages/uplinks/search-text.ts';

describe('a text names', () => {
  it.each([
    ['ui', 'ui'],
    ['Fast UI.', 'ui'],
    ['@acme/ui', '@acme/ui'],
    ['see "@ACME/Ui"!', '@acme/ui'],
    ['keywords:@acme/ui,x', '@acme/ui'],
    ['@acme/ui@1.0.0', '@acme/ui'],
    ['foo@acme/ui', '@acme/ui'],
    ['acme/ui', '@acme/ui'],
    ['@acme', '@acme/*'],
    ['@acme/', '@acme/*'],
    ['foo scope:acme', '@acme/*'],
    ['scope: "@Acme"', '@acme/*'],
    ['＠ａｃｍｅ/ui', '@acme/ui'],
    ['https://packages.example/@acme/ui', '@acme/ui'],
  ])('%j: %s', (text, name) => {
    expect(namesIn(text)).toContain(name);
  });

  it('nothing where there are no names', () => {
    expect(namesIn(' @ / . ')).toEqual([]);
  });
});
