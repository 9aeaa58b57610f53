/**
 * The provenance that clients send beside a tarball: a Sigstore bundle. Checked is that it speaks of this package and
 * of these bytes; whom its signature is from is for those who install it to verify.
 * @module
 */
import { findJsonFault } from '../../config/json-fault.ts';
import type { Draft } from '../blobs/blobs.ts';
import { invalidPackage } from './agreement.ts';
import { requirePlainKeys } from './plain-keys.ts';

const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle[.+]/;
const STATEMENT_TYPE = 'application/vnd.in-toto+json';

interface Subject {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the tarball. */
  readonly hash: string;
}

/** The predicate's type. Throws ERR_PACKAGE_INVALID. */
export async function predicateTypeOf(draft: Draft, file: string, subject: Subject): Promise<string> {
  const refuse = (fault: string): Error => invalidPackage(subject.name, `_attachments.${file}`, fault);
  const bundle = parsed(await new Response(draft.read()).text(), refuse);
  if (!BUNDLE.test(String(bundle['mediaType']))) throw refuse('it is no Sigstore bundle');
  const envelope = objectOf(bundle['dsseEnvelope']);
  if (envelope['payloadType'] !== STATEMENT_TYPE) throw refuse('it holds no statement of in-toto');
  const statement = parsed(Buffer.from(String(envelope['payload']), 'base64').toString(), refuse);
  const { subject: subjects, predicateType } = statement;
  if (!Array.isArray(subjects) || subjects.length !== 1) throw refuse('it does not speak of exactly one thing');
  const { name, digest } = objectOf(subjects[0]);
  const purl = `pkg:npm/${subject.name.replace(/^@/, '%40')}@${subject.version}`;
  if (name !== purl) throw refuse(`it speaks of ${JSON.stringify(name)?.slice(0, 200)}, not of ${purl}`);
  if (objectOf(digest)['sha512'] !== subject.hash) throw refuse('it speaks of another tarball: its sha512 differs');
  if (typeof predicateType !== 'string' || predicateType === '') throw refuse('it does not say what it states');
  return predicateType;
}

function parsed(text: string, refuse: (fault: string) => Error): Readonly<Record<string, unknown>> {
  if (findJsonFault(text) !== null) throw refuse('it is not JSON, or has a key twice');
  const value: unknown = JSON.parse(text);
  requirePlainKeys(value);
  return objectOf(value);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
