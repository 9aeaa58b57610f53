/** What goes wrong with a storage, in words for whoever set it up: the codes that it answers say little. @module */

/** Of codes that no other attempt helps against. */
const FINAL_WORDS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket (C13_S3_URL)',
  InvalidAccessKeyId: 'it does not know the access key (AWS_ACCESS_KEY_ID)',
  SignatureDoesNotMatch: 'the secret key is not that of the access key (AWS_SECRET_ACCESS_KEY), or the region is wrong',
  AccessDenied: 'these keys have no right to do that in the bucket',
};
const WORDS: Readonly<Record<string, string>> = {
  ...FINAL_WORDS,
  ConnectionRefused: 'nobody listens at its address (C13_S3_URL)',
  DNSResolveFailed: 'its address is not known (C13_S3_URL)',
  FailedToOpenSocket: 'its address cannot be reached (C13_S3_URL)',
  ConnectionClosed: 'it closed the connection',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  PermanentRedirect: 'the bucket is in another region, or at another address (C13_S3_URL, AWS_REGION)',
  ExpiredToken: 'the session token has expired (AWS_SESSION_TOKEN)',
  SlowDown: 'it asks for patience',
  UnknownError: 'it refused without a reason: see that bucket, keys and rights are right',
};

/** Whether another attempt cannot help. */
export function isFinal(error: unknown): boolean {
  return Object.hasOwn(FINAL_WORDS, codeOf(error));
}

/** @example faultOf(error) // 'there is no such bucket (C13_S3_URL)' */
export function faultOf(error: unknown): string {
  const code = codeOf(error);
  const { message } = error as Error;
  if ((error as NodeJS.ErrnoException).code === undefined) return message;
  return Object.hasOwn(WORDS, code) ? WORDS[code]! : `${code} ${message}`;
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'UnknownError';
}
