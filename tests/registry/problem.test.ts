/** Errors as people read them. @module */
import { expect, it } from 'vitest';
import { ConfigError, type AnyConfigError, type ErrorCode } from '../../src/errors/errors.ts';
import { problemResponse, STATUS } from '../../src/registry/problem.ts';

it.each(Object.keys(STATUS) as ErrorCode[])('%s has a title of words', async (code) => {
  const error = new ConfigError(code, { message: 'm', hint: 'h', details: { allowed: [] } as never });
  const { title } = (await problemResponse(error as AnyConfigError).json()) as { title: string };
  expect(title).toMatch(/^[A-Z][A-Za-z -]{3,50}$/);
  expect(title).not.toMatch(/^(Body json|Method|Precondition|Name|Password|Keys|Oidc|Internal|Backup)$/);
});
