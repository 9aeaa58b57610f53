/**
 * Signatures of what is sent to webhooks, as Standard Webhooks has them: the receiver knows that it comes from us, is
 * whole, and is no old one sent again.
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;

/** A new secret: `whsec_` and 32 bytes in base64. */
export function newWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** The text when it is a secret: `whsec_` and 24 to 64 bytes in base64. Throws ERR_WRONG_TYPE, without the secret. */
export function parseWebhookSecret(text: unknown): string {
  const bytes =
    typeof text === 'string' && text.startsWith(PREFIX) ? Buffer.from(text.slice(PREFIX.length), 'base64') : null;
  const isWhole = bytes !== null && PREFIX + bytes.toString('base64') === text;
  if (isWhole && bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX) return text as string;
  const expected = `${PREFIX} and ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes in base64`;
  throw new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid secret: must be ${expected}`,
    hint: 'Leave it out for a new one.',
    details: { field: 'secret', expected, found: typeof text },
  });
}

/** The three headers of a delivery. The id stays the same when it is tried again; the time is that of the attempt. */
export function signatureHeaders(
  secret: string,
  id: string,
  timestamp_s: number,
  body: string,
): Record<string, string> {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp_s}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp_s), 'webhook-signature': `v1,${signature}` };
}
