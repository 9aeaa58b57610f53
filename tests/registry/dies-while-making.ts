/**
 * Makes the change requests of a data directory that are due an hour after `START`, and is killed by its own hand at
 * an append of the journal: `before` it is sent, when it is `sent`, or `after` it was answered.
 * @module
 */
import { HOUR_MS, openChangeWorld } from './change-world.ts';

const [data, nth, point] = process.argv.slice(2) as [string, string, 'before' | 'sent' | 'after'];
let left = Number.POSITIVE_INFINITY;
const die = (): void => void process.kill(process.pid, 'SIGKILL');
const Real = globalThis.Worker;
globalThis.Worker = class extends Real {
  override postMessage(message: any, ...rest: []): void {
    const isLast = message.method === 'append' && --left === 0;
    if (isLast && point === 'before') die();
    // Nothing else of this process is heard after the answer.
    if (isLast && point === 'after') this.addEventListener('message', die, { once: true });
    super.postMessage(message, ...rest);
    if (isLast && point === 'sent') die();
  }
};

const world = await openChangeWorld(data);
world.clock.now += HOUR_MS;
left = Number(nth);
await world.application.look();
console.log('survived');
