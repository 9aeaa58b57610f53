/** The credentials for S3, from the variables that AWS's own tools read. @module */
import { ConfigError } from '../errors/errors.ts';
import { processVariables, type Variables } from './env.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Throws ERR_SETTING for a missing one. */
export function readS3Credentials(variables: Variables = processVariables()): S3Credentials {
  return {
    accessKeyId: needed('AWS_ACCESS_KEY_ID', variables),
    secretAccessKey: needed('AWS_SECRET_ACCESS_KEY', variables),
    sessionToken: variables['AWS_SESSION_TOKEN'] || undefined,
  };
}

function needed(variable: string, variables: Variables): string {
  const value = variables[variable];
  if (value !== undefined && value !== '') return value;
  throw new ConfigError('ERR_SETTING', {
    message: `${variable} is not set, and blobs are in S3`,
    hint: `Set ${variable}, or leave out C13_S3_URL to keep blobs in the data directory.`,
    details: { setting: variable, value: '' },
  });
}
