/** Where blobs are in S3, as one address, and the credentials beside it. @module */
import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/env/env.ts';
import { faultOfS3Address, parseS3Address } from '../../src/env/s3-address.ts';
import { readS3Credentials } from '../../src/env/s3-credentials.ts';

describe('the address of a bucket', () => {
  test.each([
    ['s3://packages', { prefix: '' }],
    ['s3://packages/', { prefix: '' }],
    ['s3://packages/team/a_b.c-1/', { prefix: 'team/a_b.c-1/' }],
    ['s3://packages?region=eu-central-1', { prefix: '', region: 'eu-central-1' }],
    ['s3://packages/a?endpoint=http://127.0.0.1:4568', { prefix: 'a/', endpoint: 'http://127.0.0.1:4568' }],
  ])('%s', (text, expected) => {
    const none = { bucket: 'packages', endpoint: undefined, region: undefined };
    expect(parseS3Address(text)).toEqual({ ...none, ...expected });
  });

  test('none is none', () => expect(parseS3Address('')).toBe(''));

  test.each([
    'packages',
    's3://',
    's3://P',
    's3://a',
    's3://key:secret@packages',
    's3://packages/a b',
    's3://packages/%2e%2e',
    's3://packages/..',
    's3://packages/a/../b',
    's3://packages//a',
    's3://packages#a',
    's3://packages?regoin=a',
    's3://packages?region=a&region=b',
    's3://packages?region=A%0d',
    's3://packages?endpoint=ftp://a',
    's3://packages?endpoint=https://key@a',
    's3://packages?endpoint=https://a/path',
  ])('%s is none', (text) => {
    expect(parseS3Address(text)).toBeNull();
    expect(() => readSettings({ C13_S3_URL: text })).toThrow(faultOfS3Address(text)!);
  });

  test.each([
    ['s3://ab', 'the name of its bucket is too short (3-63 characters)'],
    [`s3://${'a'.repeat(64)}`, 'the name of its bucket is too long (3-63 characters)'],
    ['s3://Packages', 'the name of its bucket may have a-z, 0-9, dots and hyphens alone'],
    ['s3://packages/a b', 'its prefix may have letters, digits, _, . and - between slashes alone'],
    ['s3://packages?regoin=a', 'there is no parameter "regoin": only endpoint and region'],
    ['packages', 'it does not begin with s3:// and the name of a bucket'],
    ['s3://packages', null],
  ])('%s: %s', (text, fault) => expect(faultOfS3Address(text)).toBe(fault));
});

describe('credentials', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

  test('come from the variables that AWS has for them', () => {
    const read = { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: undefined };
    expect(readS3Credentials(keys)).toEqual(read);
    expect(readS3Credentials({ ...keys, AWS_SESSION_TOKEN: 'token' })).toEqual({ ...read, sessionToken: 'token' });
  });

  test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('%s must be there', (missing) => {
    expect(() => readS3Credentials({ ...keys, [missing]: '' })).toThrow(
      expect.objectContaining({ code: 'ERR_SETTING', details: { setting: missing, value: '' } }),
    );
  });
});
