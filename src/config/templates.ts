/**
 * Templates: a named setting of features and terminal, applied as one change. The four built-in ones decide
 * bits 0-11 and the terminal mode and touch nothing else; a service's own decide exactly what they name.
 * @module
 */
import { TERMINAL_MODE } from '../../bindings/abi.gen.ts';
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { BUILTIN_FEATURES, BUILTIN_MASK, checkFeatureName, type FeatureSet } from './features.ts';
import { asObject, parseField, unknownField, wrongType } from './input.ts';
import { CONFIG_FIELDS, terminalModeName, type RegistryConfig } from './value.ts';

export interface Template {
  readonly name: string;
  readonly description: string;
  /** Mask of features turned on. */
  readonly set: number;
  /** Mask of features turned off; never shares a bit with `set`. */
  readonly clear: number;
  readonly terminalMode?: number;
  readonly rows?: number;
  readonly cols?: number;
}

/** A service's own template as it is written. */
export interface TemplateInput {
  name: string;
  description?: string;
  /** Names of features to turn on and off; those not named stay as they are. */
  set?: readonly string[];
  clear?: readonly string[];
  terminalMode?: number | string;
  rows?: number;
  cols?: number;
}

/** A template that was read: whole, and of names that some service may know. */
export interface NamedTemplate extends Omit<Template, 'set' | 'clear'> {
  readonly set: readonly string[];
  readonly clear: readonly string[];
}

const PRODUCTION = ['private_registry', 'binary_protocol', 'cache_enabled', 'metrics', 'logging', 'encryption'];

/** None turns maintenance_mode on: a template must not take a service down. */
export const BUILTIN_TEMPLATES: readonly Template[] = [
  builtin('development', 'Every feature but maintenance, raw terminal', 0xbff, 'raw'),
  builtin('staging', 'Production with debug and beta features', on([...PRODUCTION, 'debug', 'beta_feature']), 'cooked'),
  builtin('production', 'Stable features, encrypted and measured, no debug', on(PRODUCTION), 'cooked'),
  builtin('minimal', 'Cache and logging only, terminal disabled', on(['cache_enabled', 'logging']), 'disabled'),
];

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const DESCRIPTION_LENGTH_MAX = 500;
const TERMINAL_FIELDS = CONFIG_FIELDS.filter(({ name }) => /^(terminalMode|rows|cols)$/.test(name));
const KNOWN_FIELDS: readonly string[] = ['name', 'description', 'set', 'clear', 'terminalMode', 'rows', 'cols'];

/**
 * A config with the template applied; applying it again changes nothing.
 * @example applyTemplate(config, findTemplate('production'))
 */
export function applyTemplate(config: RegistryConfig, template: Template): RegistryConfig {
  return {
    ...config,
    featureFlags: ((config.featureFlags & ~template.clear) | template.set) >>> 0,
    terminalMode: template.terminalMode ?? config.terminalMode,
    rows: template.rows ?? config.rows,
    cols: template.cols ?? config.cols,
  };
}

/** Throws ERR_UNKNOWN_TEMPLATE naming the known templates and the nearest. */
export function findTemplate(name: string, templates: readonly Template[] = BUILTIN_TEMPLATES): Template {
  const found = templates.find((template) => template.name === name);
  if (found !== undefined) return found;
  const known = templates.map((template) => template.name);
  const shown = name.slice(0, 80);
  const suggestion = nearest(shown, known);
  throw new ConfigError('ERR_UNKNOWN_TEMPLATE', {
    message: `Unknown template: ${shown}. Available: ${known.join(', ')}`,
    hint: suggestion === null ? 'Use one of the available templates.' : `Did you mean '${suggestion}'?`,
    details: { template: shown, known, nearest: suggestion },
  });
}

/**
 * The built-in templates plus a service's own. Throws ERR_TEMPLATE_INVALID for a bad or taken name, a feature both
 * set and cleared, or a template that changes nothing; ERR_UNKNOWN_FEATURE, ERR_UNKNOWN_FIELD, ERR_WRONG_TYPE and
 * ERR_OUT_OF_RANGE for what is in it.
 */
export function defineTemplates(inputs: readonly unknown[], features: FeatureSet = BUILTIN_FEATURES): Template[] {
  const templates = [...BUILTIN_TEMPLATES];
  for (const input of inputs) {
    const template = parseTemplate(input, features);
    if (templates.some(({ name }) => name === template.name)) throw invalid(template.name, 'the name is taken');
    templates.push(template);
  }
  return templates;
}

/** One template from outside. Throws as `defineTemplates` does. */
export function parseTemplate(input: unknown, features: FeatureSet = BUILTIN_FEATURES): Template {
  return templateFor(parseTemplateInput(input), features);
}

/**
 * A template in names, whichever service may know them: what can be judged of it before it is applied. Throws
 * ERR_TEMPLATE_INVALID for a bad name, a feature both set and cleared, or one that changes nothing; ERR_FEATURE_NAME,
 * ERR_UNKNOWN_FIELD, ERR_WRONG_TYPE and ERR_OUT_OF_RANGE for what is in it.
 */
export function parseTemplateInput(input: unknown): NamedTemplate {
  const fields = asObject('template', input);
  for (const key of Object.keys(fields)) if (!KNOWN_FIELDS.includes(key)) throw unknownField(key, KNOWN_FIELDS);
  const name = parseName(fields['name']);
  const set = parseFeatureNames('set', fields['set']);
  const clear = parseFeatureNames('clear', fields['clear']);
  const both = set.filter((feature) => clear.includes(feature));
  if (both.length > 0) throw invalid(name, `it both sets and clears ${both.join(', ')}`);
  const terminal: { terminalMode?: number; rows?: number; cols?: number } = {};
  for (const shape of TERMINAL_FIELDS) {
    const value = fields[shape.name];
    if (value !== undefined) terminal[shape.name as 'rows'] = parseField(shape, value);
  }
  if (set.length + clear.length + Object.keys(terminal).length === 0) throw invalid(name, 'it changes nothing');
  return { name, description: parseDescription(fields['description']), set, clear, ...terminal };
}

/** A parsed template as one service means it. Throws ERR_UNKNOWN_FEATURE for a name that the service does not know. */
export function templateFor({ set, clear, ...named }: NamedTemplate, features: FeatureSet): Template {
  return { ...named, set: features.masksOf(set), clear: features.masksOf(clear) };
}

/** A template in names, as it is listed to people; the inverse of `parseTemplate`. */
export function describeTemplate(template: Template, features: FeatureSet = BUILTIN_FEATURES): TemplateInput {
  const { name, description, terminalMode, rows, cols } = template;
  return {
    name,
    description,
    set: features.enabledIn(template.set),
    clear: features.enabledIn(template.clear),
    ...(terminalMode === undefined ? {} : { terminalMode: terminalModeName(terminalMode) ?? terminalMode }),
    ...(rows === undefined ? {} : { rows }),
    ...(cols === undefined ? {} : { cols }),
  };
}

function on(names: readonly string[]): number {
  return BUILTIN_FEATURES.masksOf(names);
}

function builtin(name: string, description: string, set: number, mode: keyof typeof TERMINAL_MODE): Template {
  return Object.freeze({ name, description, set, clear: BUILTIN_MASK & ~set, terminalMode: TERMINAL_MODE[mode] });
}

function parseName(name: unknown): string {
  if (typeof name !== 'string') throw wrongType('name', 'text', name);
  if (!NAME.test(name))
    throw invalid(name.slice(0, 80), "names are lower-case letters, digits, '_' and '-', a letter first");
  return name;
}

function parseDescription(description: unknown): string {
  if (description === undefined) return '';
  if (typeof description === 'string' && description.length <= DESCRIPTION_LENGTH_MAX) return description;
  throw wrongType('description', `text of at most ${DESCRIPTION_LENGTH_MAX} characters`, description);
}

/** Names from outside; whether a service knows them is asked later. Errors: ERR_WRONG_TYPE, ERR_FEATURE_NAME. */
export function parseFeatureNames(field: string, value: unknown = []): readonly string[] {
  if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) {
    throw wrongType(field, 'a list of feature names', value);
  }
  value.forEach(checkFeatureName);
  return [...new Set<string>(value)];
}

function invalid(template: string, reason: string): ConfigError<'ERR_TEMPLATE_INVALID'> {
  return new ConfigError('ERR_TEMPLATE_INVALID', {
    message: `Invalid template '${template}': ${reason}`,
    hint: 'Give it a free name, and at least one feature to set or clear or one terminal setting.',
    details: { template },
  });
}
