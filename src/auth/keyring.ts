/**
 * What the domain keeps in the side store that is durable: which spaces there are, and what their keys and values say.
 * Nothing of this is in the journal; what it is about is.
 * @module
 */

export const KEYRING = {
  /** Of a user, by name: the argon2id text of the password. */
  password: 'password',
  /** Of a name, ever used: the highest epoch it has had. A database from a backup does not bring sign-ins back. */
  epoch: 'epoch',
  /** Names whose user was disabled or deleted, until he is let in again. A backup does not bring him back by itself. */
  disabled: 'disabled',
  /** API tokens that were revoked, by id, until they would have expired. A backup does not bring them back either. */
  revoked: 'revoked',
  /** Sign-ins that were signed out, by id, until they would have expired. */
  ended: 'ended',
  /** The link that makes the first administrator: the hash of its secret. */
  setup: 'setup',
  /** Of a user, by name: what makes his codes, sealed. */
  secondFactor: 'second-factor',
  /** The same while he has not shown yet that his app makes them, for some minutes. */
  begunFactor: 'begun-second-factor',
  /** `<user> <hash>` of each code that is left for whoever lost the app. */
  recoveryCode: 'recovery-code',
  /** `<user> <which>` of codes that were shown, for as long as they would count: by which credential. */
  usedCode: 'used-code',
  /** Tokens of workflows that may publish one package, by id, until they expire. */
  trusted: 'trusted-token',
  /** Identity tokens of workflows that were taken, until they expire. */
  takenIdToken: 'taken-id-token',
} as const;
