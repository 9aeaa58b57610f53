/** Where blobs are in S3, written as one address. @module */

/** A bucket, and how it is reached. */
export interface S3Address {
  readonly bucket: string;
  /** Of keys, with a slash at its end; '' for none. */
  readonly prefix: string;
  /** undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

const ADDRESS =
  /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/(?!\.+(?:\/|\?|$))[A-Za-z0-9_.-]+)*)\/?(?:\?([^#]*))?$/;
const ENDPOINT = /^https?:\/\/[^/?#@]+\/?$/;
const REGION = /^[a-z0-9-]{1,64}$/;

/**
 * `s3://bucket/prefix?endpoint=https://...&region=...`; '' is none at all; null for what is no such address.
 * @example parseS3Address('s3://packages/team?region=eu-central-1')
 */
export function parseS3Address(text: string): S3Address | '' | null {
  if (text === '') return '';
  const [, bucket, path = '', query = ''] = ADDRESS.exec(text) ?? [];
  const parameters = new URLSearchParams(query);
  const { endpoint, region, ...others } = Object.fromEntries(parameters) as Record<string, string | undefined>;
  const isOnce = [...parameters.keys()].length === new Set(parameters.keys()).size;
  const isKnown = isOnce && Object.keys(others).length === 0;
  if (bucket === undefined || !isKnown) return null;
  if (!ENDPOINT.test(endpoint ?? 'https://none') || !REGION.test(region ?? 'none')) return null;
  return { bucket, prefix: path === '' ? '' : `${path.slice(1)}/`, endpoint, region };
}
