/**
 * What a team has declared beside its configs: templates and rules of its own, kept as resources of the journal and
 * used by every service that knows the features they name. Held in memory as long as the journal has not moved.
 * @module
 */
import { checkRuleCode, parseRule, ruleFor, type RuleInput } from '../config/declared-rules.ts';
import type { FeatureSet } from '../config/features.ts';
import { asObject, wrongType } from '../config/input.ts';
import { RULES } from '../config/rules.ts';
import { BUILTIN_TEMPLATES, findTemplate, parseTemplateInput, templateFor } from '../config/templates.ts';
import type { NamedTemplate, Template } from '../config/templates.ts';
import type { Rule } from '../config/validation.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Journal } from '../journal/journal.ts';
import { Resources, type Resource, type ResourceWrite } from '../journal/resources.ts';

interface Declared {
  readonly templates: readonly NamedTemplate[];
  readonly rules: readonly { readonly code: string; readonly rule: RuleInput }[];
}

export class Declarations {
  /** To list, to get and to delete them; what is put passes `putTemplate` and `putRule`. */
  readonly templates: Resources<NamedTemplate>;
  readonly rules: Resources<RuleInput>;
  readonly #head: () => number;
  #known: Promise<Declared> | null = null;
  #knownAt = -1;

  /** `head` says how far the journal is, in one load. */
  constructor(journal: Journal, head: () => number) {
    this.templates = new Resources(journal, 'template', parseTemplateInput);
    this.rules = new Resources(journal, 'rule', parseRule);
    this.#head = head;
  }

  /**
   * Makes or replaces a template. Its name is the key: left out of the input, or the same. Errors: those of
   * `parseTemplateInput`, ERR_TEMPLATE_INVALID for a built-in one's name, ERR_REVISION_CONFLICT, ERR_JOURNAL_WRITE.
   */
  async putTemplate(name: string, input: unknown, write: ResourceWrite): Promise<Resource<NamedTemplate>> {
    const template = parseTemplateInput({ name, ...asObject('template', input) });
    if (template.name !== name) throw wrongType('name', `'${name.slice(0, 80)}', as it is called`, template.name);
    if (BUILTIN_TEMPLATES.some((builtin) => builtin.name === name)) throw builtinTemplate(name);
    return await this.templates.put(name, template, write);
  }

  /**
   * Makes or replaces a rule. Errors: ERR_USAGE for a malformed code or a built-in rule's, those of `parseRule`,
   * ERR_REVISION_CONFLICT, ERR_JOURNAL_WRITE.
   */
  async putRule(code: string, input: unknown, write: ResourceWrite): Promise<Resource<RuleInput>> {
    checkRuleCode(code);
    return await this.rules.put(code, parseRule(input), write);
  }

  /** Those that a service can apply: the built-in ones, and the team's own that name only features it knows. */
  async templatesFor(features: FeatureSet): Promise<readonly Template[]> {
    const { templates } = await this.#declared();
    const usable = templates.filter(({ set, clear }) => [...set, ...clear].every((name) => features.has(name)));
    return [...BUILTIN_TEMPLATES, ...usable.map((template) => templateFor(template, features))];
  }

  /** Errors: ERR_UNKNOWN_TEMPLATE, ERR_UNKNOWN_FEATURE (the template names a feature the service does not know). */
  async templateFor(name: string, features: FeatureSet): Promise<Template> {
    const own = (await this.#declared()).templates.find((template) => template.name === name);
    return own === undefined ? findTemplate(name, await this.templatesFor(features)) : templateFor(own, features);
  }

  /** The built-in rules, and the team's own that name only features the service knows. */
  async rulesFor(features: FeatureSet): Promise<readonly Rule[]> {
    const { rules } = await this.#declared();
    return [...RULES, ...rules.flatMap(({ code, rule }) => ruleFor(code, rule, features) ?? [])];
  }

  /** The head is read first: what is read after it is at least as new. */
  #declared(): Promise<Declared> {
    const head = this.#head();
    if (this.#known !== null && this.#knownAt === head) return this.#known;
    this.#knownAt = head;
    const reading = this.#read();
    this.#known = reading;
    reading.catch(() => {
      if (this.#known === reading) this.#known = null;
    });
    return reading;
  }

  async #read(): Promise<Declared> {
    const [templates, rules] = [await this.templates.all(), await this.rules.all()];
    return {
      templates: templates.map(({ value }) => value),
      rules: rules.map(({ key, value }) => ({ code: key, rule: value })),
    };
  }
}

function builtinTemplate(template: string): ConfigError<'ERR_TEMPLATE_INVALID'> {
  return new ConfigError('ERR_TEMPLATE_INVALID', {
    message: `Invalid template '${template}': the name is taken by a built-in one`,
    hint: 'Give it a name of its own.',
    details: { template },
  });
}
