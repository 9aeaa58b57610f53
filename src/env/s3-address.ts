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

const ADDRESS = /^s3:\/\/([^/?#@]*)((?:\/[^?#]*)?)(?:\?([^#]*))?$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]*[a-z0-9]$/;
const [BUCKET_MIN, BUCKET_MAX] = [3, 63];
const PREFIX = /^(?:\/(?!\.+(?:\/|$))[A-Za-z0-9_.-]+)*\/?$/;
const ENDPOINT = /^https?:\/\/[^/?#@]+\/?$/;
const REGION = /^[a-z0-9-]{1,64}$/;
const PARAMETERS = ['endpoint', 'region'];

/**
 * `s3://bucket/prefix?endpoint=https://...&region=...`; '' is none at all; null for what is no such address.
 * @example parseS3Address('s3://packages/team?region=eu-central-1')
 */
export function parseS3Address(text: string): S3Address | '' | null {
  if (text === '') return '';
  if (faultOfS3Address(text) !== null) return null;
  const { bucket, path, parameters } = partsOf(text)!;
  const prefix = path.replace(/^\/|\/$/g, '');
  const [endpoint, region] = PARAMETERS.map((name) => parameters.get(name) ?? undefined);
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/`, endpoint, region };
}

/**
 * What is wrong with it; null: nothing.
 * @example faultOfS3Address('s3://a') // 'the name of its bucket is too short (3-63 characters)'
 */
export function faultOfS3Address(text: string): string | null {
  const parts = partsOf(text);
  if (parts === null) return 'it does not begin with s3:// and the name of a bucket';
  const { bucket, path, parameters } = parts;
  if (bucket.length < BUCKET_MIN) return `the name of its bucket is too short (${BUCKET_MIN}-${BUCKET_MAX} characters)`;
  if (bucket.length > BUCKET_MAX) return `the name of its bucket is too long (${BUCKET_MIN}-${BUCKET_MAX} characters)`;
  if (!BUCKET.test(bucket)) return 'the name of its bucket may have a-z, 0-9, dots and hyphens alone';
  if (!PREFIX.test(path)) return 'its prefix may have letters, digits, _, . and - between slashes alone';
  return faultOfParameters(parameters);
}

function faultOfParameters(parameters: URLSearchParams): string | null {
  const names = [...parameters.keys()];
  const stranger = names.find((name) => !PARAMETERS.includes(name));
  if (stranger !== undefined) return `there is no parameter ${JSON.stringify(stranger)}: only endpoint and region`;
  if (new Set(names).size < names.length) return 'a parameter is there twice';
  if (!ENDPOINT.test(parameters.get('endpoint') ?? 'https://none')) return 'its endpoint is no http or https origin';
  if (!REGION.test(parameters.get('region') ?? 'none')) return 'its region may have a-z, 0-9 and hyphens alone';
  return null;
}

function partsOf(
  text: string,
): { readonly bucket: string; readonly path: string; readonly parameters: URLSearchParams } | null {
  const [, bucket, path = '', query = ''] = ADDRESS.exec(text) ?? [];
  return bucket === undefined ? null : { bucket, path, parameters: new URLSearchParams(query) };
}
