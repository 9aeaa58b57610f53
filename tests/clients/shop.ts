/**
 * What the main job is about: a client, and what it has published at a registry of its own.
 * @module
 */
import type { Client, Folder } from './client.ts';
import { COMMANDS, type Operation } from './commands.ts';
import type { Kind } from './kinds.ts';
import { Place, publish } from './place.ts';

/** In three versions; the last is the one that `next` names. */
export const PLAIN = 'plain';
export const BETA = '1.2.0-beta.1';
/** Needs it, and brings a command, `acme-ui`. */
export const SCOPED = '@acme/ui';

const COMMAND = "#!/usr/bin/env node\nconsole.log('it runs');\n";

export class Shop {
  readonly place = Place.open();
  client!: Client;
  /** The directory that the last version of `plain` was published from. */
  beta!: Folder;

  constructor(readonly kind: Kind) {}

  can(operation: Operation): boolean {
    return COMMANDS[operation][this.kind] !== null;
  }

  async fill(): Promise<void> {
    const client = this.place.client(this.kind);
    this.client = client;
    this.beta = client.package(PLAIN, BETA);
    for (const version of ['1.0.0', '1.1.0']) await publish(client, client.package(PLAIN, version));
    await publish(client, this.beta, ['--tag', 'next']);
    const more = { dependencies: { [PLAIN]: '^1.0.0' }, bin: { 'acme-ui': 'cli.js' } };
    await publish(client, client.package(SCOPED, '1.0.0', more, { 'cli.js': COMMAND }));
  }
}
