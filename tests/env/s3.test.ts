/** Where blobs are in S3, as one address, and the credentials beside it. @module */
import { describe, expect, test } from 'vitest';
import { parseS3Address } from '../../src/env/s3-address.ts';
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
  ])('%s is none', (text) => expect(parseS3Address(text)).toBeNull());
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
