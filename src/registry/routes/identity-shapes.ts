/** What users, grants and tokens look like to the routes: fields that come in, views that go out. @module */
import { z } from 'zod';
import { requireRight, ROLES, type Action, type Grant, type Principal } from '../../auth/rights.ts';
import type { RegistryContext } from '../context.ts';
import { expectedOf } from '../context.ts';
import type { CodeChecks } from '../code-checks.ts';
import type { FactorOperations } from '../factor-operations.ts';
import type { IdentityOperations } from '../identity-operations.ts';
import { LIMIT } from '../parse.ts';
import type { SignIns } from '../sign-ins.ts';

export interface IdentityServices {
  readonly identity: {
    readonly operations: IdentityOperations;
    readonly signIns: SignIns;
    /** Where codes of second factors are asked for, and what can be done to those. */
    readonly codes: CodeChecks;
    readonly factors: FactorOperations;
    /** What a client is counted by when it tries passwords. */
    readonly addressOf: (request: Request, peer: RegistryContext['env']['peer']) => string;
  };
}

export const REASON = { reason: z.string().optional().meta({ description: 'Why, for the audit.' }) };

export const PAGE = {
  limit: LIMIT,
  cursor: z.string().max(64).optional().meta({
    expected: 'the cursor of an answer',
    description: 'The `cursor` of the page before.',
  }),
};

const CHANGED = {
  revision: z.int(),
  modifiedAt: z.number().meta({ description: 'Milliseconds since 1970.' }),
  modifiedBy: z.string(),
};

export const USER_FIELDS = {
  email: z.string().nullable().optional().meta({
    expected: 'an address, or null',
    description: 'By which a provider that has verified it finds the user.',
    example: 'ann@example.com',
  }),
  displayName: z.string().nullable().optional().meta({ expected: 'text, or null', example: 'Ann' }),
  isDisabled: z.boolean().optional().meta({ description: 'True ends all sign-ins, and lets tokens rest.' }),
  oidcSubject: z.string().nullable().optional().meta({
    expected: 'text, or null',
    description: 'Who this is at the OpenID Connect provider: `<issuer> <subject>`.',
  }),
};

export const USER = z
  .object({
    name: z.string(),
    email: z.string().nullable(),
    displayName: z.string().nullable(),
    isDisabled: z.boolean(),
    oidcSubject: z.string().nullable(),
    hasPassword: z.boolean(),
    ...CHANGED,
  })
  .meta({ id: 'User' });

const GRANT_FIELDS = {
  role: z.enum(ROLES).meta({ expected: `one of ${ROLES.join(', ')}` }),
  pattern: z.string().meta({
    description: 'Of streams; `*` stands for any run of characters.',
    example: 'config:checkout/*',
  }),
  sections: z
    .array(z.string())
    .nullable()
    .optional()
    .meta({
      expected: 'a list of sections, or null',
      description: 'Of configs: `feature:new_*`, `terminal`, `version`, `registryHash`; null: all.',
      example: ['feature:new_*'],
    }),
  needsApproval: z.boolean().optional().meta({
    description:
      'True: it allows to read and to ask for changes, which somebody else approves. For operators and admins.',
  }),
};

/** The fields of a grant as a body has them. */
export const HELD_GRANT_FIELDS = {
  user: z.string().meta({ description: 'A user, or `anonymous`: everybody (as viewer only).' }),
  ...GRANT_FIELDS,
};

export const GRANT_CHANGES = {
  role: GRANT_FIELDS.role.optional(),
  pattern: GRANT_FIELDS.pattern.optional(),
  sections: GRANT_FIELDS.sections,
  needsApproval: GRANT_FIELDS.needsApproval,
};

/** One grant of a token's scope. */
export const SCOPE_GRANT = z.strictObject(GRANT_FIELDS);

/** Sections that were left out are all of them. */
export function grantOf({ sections = null, needsApproval = false, ...grant }: z.infer<typeof SCOPE_GRANT>): Grant {
  return { ...grant, sections, needsApproval };
}

/** As it is told, of a principal and of a scope. */
export const PLAIN_GRANT = z.object({
  role: z.enum(ROLES),
  pattern: z.string(),
  sections: z.array(z.string()).nullable(),
  needsApproval: z.boolean().optional().meta({ description: 'Left out: false.' }),
});

export const GRANT = z
  .object({ id: z.string(), user: z.string(), ...PLAIN_GRANT.shape, needsApproval: z.boolean(), ...CHANGED })
  .meta({ id: 'Grant' });

export const TOKEN = z
  .object({
    id: z.string(),
    user: z.string(),
    name: z.string(),
    scope: z.array(PLAIN_GRANT).nullable(),
    readOnly: z.boolean(),
    isBrowser: z.boolean(),
    cidrs: z.array(z.string()).nullable(),
    expiresAt: z.number(),
    createdAt: z.number(),
    lastUsedAt: z.number().nullable(),
    ...CHANGED,
  })
  .meta({ id: 'Token' });

export const SESSION = z
  .object({
    user: z.string(),
    token: z.string().meta({ description: 'To be sent as `Authorization: Bearer ...`.' }),
    expiresAt: z.number().meta({ description: 'Milliseconds since 1970.' }),
  })
  .meta({ id: 'Session' });

/** Somebody who signed in as this user. A token of his is not he himself: it has the rights it was given. */
export function isSelf({ kind, user }: Principal, name: string): boolean {
  return kind === 'user' && user === name;
}

/** Throws ERR_FORBIDDEN unless it is his own, or he has the right. */
export function requireOwn(principal: Principal, user: string, action: Action, stream: string): void {
  if (!isSelf(principal, user)) requireRight(principal, action, stream);
}

/** Who signs a change, why, and at which revision only. Errors: those of `expectedOf`. */
export async function signed(
  c: RegistryContext,
  { reason }: { readonly reason?: string | undefined },
  find: () => Promise<{ readonly revision: number } | null>,
): Promise<{ actor: string; reason?: string | undefined; expected: number | undefined }> {
  return { actor: c.get('principal').actor, reason, expected: await expectedOf(c, find) };
}
