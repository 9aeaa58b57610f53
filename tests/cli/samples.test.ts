/** Prometheus text as data. @module */
import { expect, test } from 'vitest';
import { parseSamples } from '../../src/cli/samples.ts';

test('samples with and without labels, and values that JSON does not have', () => {
  const text = [
    '# HELP http_requests_total All.',
    '# TYPE http_requests_total counter',
    'http_requests_total{route="/a",status="200"} 4',
    'odd{text="a \\"b\\", \\\\c\\n{}"} 1.5e3 1700000000000',
    'up 1',
    'quantile NaN',
    'bucket{le="+Inf"} +Inf',
    '',
  ].join('\n');
  expect(parseSamples(text)).toEqual([
    { name: 'http_requests_total', labels: { route: '/a', status: '200' }, value: 4 },
    { name: 'odd', labels: { text: 'a "b", \\c\n{}' }, value: 1500 },
    { name: 'up', labels: {}, value: 1 },
    { name: 'quantile', labels: {}, value: 'NaN' },
    { name: 'bucket', labels: { le: '+Inf' }, value: '+Inf' },
  ]);
});
