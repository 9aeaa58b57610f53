/**
 * From a text to a document of a known format. The format is told by the shape alone: files are called anything, and
 * come wrapped in what sent them.
 * @module
 */
import { isReservedKey } from '../reserved.ts';
import type { ImportFormat } from './conversion.ts';
import { noExport } from './failure.ts';
import { type Fields, isFields, Source } from './source.ts';

const SHAPES: Readonly<Record<ImportFormat, (root: Source) => boolean>> = {
  flagd: (root) => isFlagd(root),
  unleash: (root) => root.get('features').items().length > 0 || root.has('featureStrategies'),
  launchdarkly: (root) => isLaunchDarkly(root),
};
const WRAPPING = ['project', 'environment', 'path'];
const DEPTH_MAX = 200;

/** Throws ERR_IMPORT for what is no JSON, holds names that no object may have, or is no export of a known format. */
export function readExport(text: string, format: ImportFormat | undefined): { format: ImportFormat; root: Source } {
  const root = unwrapped(readJson(text, format ?? 'unknown'));
  const formats = Object.keys(SHAPES) as ImportFormat[];
  const found = format === undefined ? formats.find((one) => SHAPES[one](root)) : format;
  if (found !== undefined && SHAPES[found](root)) return { format: found, root };
  const hint = 'Give a flagd file, an export of Unleash, or flags of LaunchDarkly as its API or its SDKs load them.';
  throw noExport(format ?? 'unknown', format === undefined ? 'This is no export' : `This is no ${format} export`, hint);
}

/** The second file, of segments alone. Throws ERR_IMPORT for what is none, and where the format knows no segments. */
export function readSegments(text: string, format: ImportFormat): Source {
  const root = readJson(text, format, 'segments#');
  const isFile = Array.isArray(root.value) || root.has('segments') || root.has('items');
  if (format === 'flagd') throw noExport(format, 'A flagd file knows no segments', 'Leave the file of segments out.');
  if (isFile) return root;
  throw noExport(format, 'The file of segments has none', 'Give what the API of the service answers for segments.');
}

/** JSON from outside, with `path` before its pointers. Throws ERR_IMPORT. */
function readJson(text: string, format: string, path = ''): Source {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw noExport(format, 'The export is not JSON', 'Save it again, as it came.', cause);
  }
  const source = new Source(value, path);
  const strange = strangePlace(value);
  if (strange === null) return source;
  const place = source.get(...strange).path.slice(0, 200);
  const hint = 'Take it out: no flag, variant or attribute can be called so, and none is nested so deep.';
  throw noExport(format, `The export holds something that nothing may hold, at ${place}`, hint);
}

/** The way to a name that means something to the language itself, or to what is nested too deep. */
function strangePlace(value: unknown, depth = 0): readonly string[] | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > DEPTH_MAX) return [];
  const keys = Object.keys(value);
  const reserved = Array.isArray(value) ? undefined : keys.find(isReservedKey);
  if (reserved !== undefined) return [reserved];
  for (const key of keys) {
    const strange = strangePlace((value as Fields)[key], depth + 1);
    if (strange !== null) return [key, ...strange];
  }
  return null;
}

/** What an import request of Unleash, or a stream of LaunchDarkly, puts around it. */
function unwrapped(root: Source): Source {
  const others = root.entries().filter(([key]) => key !== 'data');
  const isWrapper = others.length > 0 && others.every(([key]) => WRAPPING.includes(key));
  return isWrapper && isFields(root.get('data').value) ? root.get('data') : root;
}

function isFlagd(root: Source): boolean {
  const flags = root.get('flags');
  if (!flags.isThere || root.has('flagValues') || root.has('segments')) return false;
  const members = Array.isArray(flags.value) ? flags.items() : flags.entries().map(([, flag]) => flag);
  if (members.length === 0) return typeof flags.value === 'object';
  return members.some((flag) => flag.has('variants'));
}

function isLaunchDarkly(root: Source): boolean {
  const pages = Array.isArray(root.value) ? root.items() : [root];
  const isFlag = (at: Source): boolean => at.has('variations') && at.has('environments');
  if (pages.some((page) => isFlag(page) || page.get('items').items().some(isFlag))) return true;
  const isLoaded = root
    .get('flags')
    .entries()
    .some(([, flag]) => flag.has('variations'));
  return isLoaded || isFields(root.get('flagValues').value);
}
