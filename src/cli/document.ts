/**
 * Documents that people write, as data: JSON, one JSON value a line (NDJSON), YAML. The ending of the file's name says
 * which; what comes on stdin is JSON unless somebody says otherwise. What is in it is for others to judge.
 * @module
 */
import { readFileSync } from 'node:fs';
import { usageError } from './failure.ts';
import { ConfigError } from '../errors/errors.ts';
import { DEPTH_MAX, findJsonFault } from '../config/json-fault.ts';

export const DOCUMENT_FORMATS = ['json', 'ndjson', 'yaml'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

const ENDINGS: Readonly<Record<string, DocumentFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  yaml: 'yaml',
  yml: 'yaml',
};

/** @example formatOf('changes.yaml') // 'yaml' */
export function formatOf(file: string): DocumentFormat {
  return ENDINGS[/\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''] ?? 'json';
}

/** A file, or stdin for `-`. Throws ERR_USAGE for one that cannot be read. */
export async function readBytes(file: string): Promise<Uint8Array> {
  if (file === '-') return await Bun.stdin.bytes();
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    throw usageError(file, `${file} cannot be read: ${(error as Error).message}`, 'Name a file, or - for stdin.');
  }
}

/** A text file, read and parsed. Errors: those of `readBytes` and `parseDocument`. */
export async function readDocument(file: string, format = formatOf(file)): Promise<unknown> {
  return parseDocument(new TextDecoder().decode(await readBytes(file)), file === '-' ? 'stdin' : file, format);
}

/**
 * The value; of NDJSON and of several YAML documents, a list of them. `source` is named by the errors: ERR_BODY_JSON,
 * ERR_DUPLICATE_KEY (in YAML, the last of a key counts).
 */
export function parseDocument(text: string, source: string, format: DocumentFormat): unknown {
  if (format === 'json') return parseJson(text, source, 1);
  if (format === 'yaml') return parseYaml(text, source);
  const lines = text.split('\n').map((line, i) => [line, i + 1] as const);
  return lines.filter(([line]) => line.trim() !== '').map(([line, number]) => parseJson(line, source, number));
}

function parseYaml(text: string, source: string): unknown {
  try {
    return Bun.YAML.parse(text);
  } catch (cause) {
    throw new ConfigError('ERR_BODY_JSON', {
      message: `${source} is not YAML: ${(cause as Error).message.replace(/^YAML Parse error: /, '')}`,
      hint: 'Correct it; what is indented must be so with blanks.',
      details: { position: null },
      cause,
    });
  }
}

function parseJson(text: string, source: string, firstLine: number): unknown {
  const fault = findJsonFault(text);
  if (fault === null) return JSON.parse(text);
  const line = text.slice(0, fault.position).split('\n').length + firstLine - 1;
  if (fault.kind !== 'duplicate') {
    const why = fault.kind === 'deep' ? `it is deeper than ${DEPTH_MAX} levels` : 'the fault is';
    throw new ConfigError('ERR_BODY_JSON', {
      message: `${source} is not JSON: ${why} in line ${line}`,
      hint: 'Correct it; a file of another format is known by its ending: .yaml, .ndjson.',
      details: { position: fault.position },
    });
  }
  const key = fault.key.slice(0, 80);
  throw new ConfigError('ERR_DUPLICATE_KEY', {
    message: `${source} has the key ${JSON.stringify(key)} twice in one object, again in line ${line}`,
    hint: 'Leave one of them: which value was meant cannot be known.',
    details: { key },
  });
}
