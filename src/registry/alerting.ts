/**
 * Alert rules and webhooks as the team keeps them: resources of the journal, secrets in the keyring. What they do is
 * done elsewhere; here it is told what there is, at the start and whenever one of them changes, by whomever.
 * @module
 */
import type { Entry, Journal } from '../journal/journal.ts';
import { Resources, type Resource, type ResourceWrite } from '../journal/resources.ts';
import type { SideStore } from '../journal/side-store.ts';
import { parseAlertRule, type AlertRule } from '../metrics/alerts.ts';
import type { Observability } from '../metrics/observability.ts';
import { newWebhookSecret } from '../metrics/webhook-signature.ts';
import { parseWebhookUrl, type WebhookTarget } from '../metrics/webhooks.ts';
import { eventsOf } from './told-events.ts';

const ALERT_RULE = 'alert_rule';
const WEBHOOK = 'webhook';
/** In the keyring: by a webhook's name. */
const SECRETS = 'webhook';

/** A webhook as the journal has it. */
export type Webhook = Pick<WebhookTarget, 'url' | 'events'>;
export type NamelessRule = Omit<AlertRule, 'name'>;

export interface PutWebhook {
  readonly webhook: Resource<Webhook>;
  /** Of a new one, this once; null: it has had its secret. */
  readonly secret: string | null;
}

export class Alerting {
  readonly rules: Resources<NamelessRule>;
  readonly webhooks: Resources<Webhook>;
  readonly observability: Observability;
  readonly #keyring: SideStore;

  constructor(journal: Journal, keyring: SideStore, observability: Observability) {
    this.rules = new Resources(journal, ALERT_RULE, (value) => value as NamelessRule);
    this.webhooks = new Resources(journal, WEBHOOK, (value) => value as Webhook);
    this.#keyring = keyring;
    this.observability = observability;
  }

  /** Begins to sample, to judge and to send. */
  async start(): Promise<void> {
    this.observability.start(await this.#allRules(), await this.#allTargets());
  }

  /** Makes or replaces a rule. Errors: those of `parseAlertRule` and of `Resources.put`. */
  async putRule(name: string, input: NamelessRule, write: ResourceWrite): Promise<Resource<NamelessRule>> {
    const { name: key, ...rule } = parseAlertRule({ ...input, name });
    return await this.rules.put(key, rule, write);
  }

  /**
   * Makes or replaces a webhook; a new one, or one whose secret is gone, gets a secret. Errors: those of
   * `parseWebhookUrl` and of `Resources.put`.
   */
  async putWebhook(name: string, { url, events }: Webhook, write: ResourceWrite): Promise<PutWebhook> {
    const parsed = { url: parseWebhookUrl(url), events };
    const isKnown = (await this.webhooks.find(name)) !== null && this.#keyring.get(SECRETS, name) !== null;
    const webhook = await this.webhooks.put(name, parsed, write);
    if (isKnown) return { webhook, secret: null };
    const secret = newWebhookSecret();
    this.#keyring.set(SECRETS, name, secret);
    await this.refresh();
    return { webhook, secret };
  }

  /** Another secret for a webhook, from now on. Throws ERR_NOT_FOUND. */
  async renewSecret(name: string): Promise<string> {
    await this.webhooks.get(name);
    const secret = newWebhookSecret();
    this.#keyring.set(SECRETS, name, secret);
    await this.refresh();
    return secret;
  }

  /** Errors: ERR_NOT_FOUND, ERR_REVISION_CONFLICT. */
  async deleteWebhook(name: string, write: ResourceWrite): Promise<void> {
    await this.webhooks.delete(name, write);
    this.#keyring.delete(SECRETS, name);
  }

  /** Told of every entry: takes up changed rules and webhooks, and tells webhooks what has happened. */
  follow(entries: readonly Entry[], onFailure: (error: unknown) => void): void {
    for (const event of eventsOf(entries)) this.observability.webhooks.send(event);
    if (entries.some(({ stream }) => stream.startsWith(`${ALERT_RULE}:`) || stream.startsWith(`${WEBHOOK}:`))) {
      this.refresh().catch(onFailure);
    }
  }

  /** Reads all rules and webhooks anew. Errors: those of the journal. */
  async refresh(): Promise<void> {
    this.observability.setRules(await this.#allRules());
    this.observability.webhooks.setTargets(await this.#allTargets());
  }

  async #allRules(): Promise<AlertRule[]> {
    return (await this.rules.all()).map(({ key, value }) => ({ name: key, ...value }));
  }

  /** One whose secret is gone (another machine's keyring) hears nothing until it gets a new one. */
  async #allTargets(): Promise<WebhookTarget[]> {
    const known = (await this.webhooks.all()).filter(({ key }) => this.#keyring.get(SECRETS, key) !== null);
    return known.map(({ key, value }) => ({ name: key, ...value, secret: this.#secretOf(key) }));
  }

  #secretOf(name: string): string {
    return this.#keyring.get(SECRETS, name)!;
  }
}
