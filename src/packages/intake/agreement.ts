/**
 * A publish says twice what a package is: in the document, which others see, and in the tarball, which they run. Where
 * the two differ, somebody would install what he was not shown.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { semver } from '../semver.ts';
import { programsDirectory, type Promised, promisedBy } from './manifest.ts';
import type { TarballContents } from './tarball.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Throws ERR_PACKAGE_INVALID, naming what differs and how. `shown` is the version of the document. */
export function requireAgreement(name: string, version: string, shown: Fields, contents: TarballContents): void {
  const { packageJson } = contents;
  if (packageJson['name'] !== name) throw differs(name, 'name', name, packageJson['name']);
  const inner = packageJson['version'];
  const isSame = inner === version || semver().clean(String(inner), { loose: true }) === version;
  if (!isSame) throw differs(name, 'version', version, inner);
  const [outside, inside] = [promisedBy(shown, contents), promisedBy(packageJson, contents)];
  for (const [field, values] of Object.entries(outside) as [keyof Promised, Promised[keyof Promised]][]) {
    const directory = field === 'bin' ? programsDirectory(packageJson) : null;
    if (directory === null) compare(name, field, values, inside[field]);
    else requireWithin(name, values, directory);
  }
}

/** ERR_PACKAGE_INVALID about the package's document. */
export function invalidPackage(
  name: string,
  path: string,
  fault: string,
  hint = 'Publish it with a client of npm, bun, pnpm or yarn, without changing what it sends.',
): ConfigError<'ERR_PACKAGE_INVALID'> {
  return new ConfigError('ERR_PACKAGE_INVALID', {
    message: `${name} cannot be published: ${path}: ${fault}`,
    hint,
    details: { package: name, path, fault },
  });
}

function compare(name: string, field: string, shown: Fields, packed: Fields): void {
  for (const key of new Set([...Object.keys(shown), ...Object.keys(packed)])) {
    const [outside, inside] = [own(shown, key), own(packed, key)];
    if (outside !== inside) throw differs(name, `${field}.${key}`, outside, inside);
  }
}

/** Clients list the files of that directory. */
function requireWithin(name: string, programs: Fields, directory: string): void {
  for (const [program, path] of Object.entries(programs)) {
    if (!String(path).startsWith(directory)) throw differs(name, `bin.${program}`, path, `what is in ${directory}`);
  }
}

function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

function differs(name: string, path: string, shown: unknown, packed: unknown): ConfigError<'ERR_PACKAGE_INVALID'> {
  const text = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200));
  return invalidPackage(
    name,
    path,
    `the document says ${text(shown)}, the package.json in the tarball says ${text(packed)}`,
    'Pack and publish again without changing package.json between; both must say the same.',
  );
}
