/** A program that logs some lines and ends in the way it is told. @module */
import { createLogger, createPerformanceLogger } from '../../src/index.ts';

const [, , end, count = '3'] = Bun.argv;
const logger = createLogger('@myapp');
for (let i = 0; i < Number(count); i++) logger.info('line', { i });
logger.debug('only with the level debug');
if (end === 'performance') createPerformanceLogger('@myapp', 'database').finish('queried', { rows: 2 });
if (end === 'exit') process.exit(3);
if (end === 'throw') throw new Error('thrown');
if (end === 'fatal') {
  logger.fatal('the last one');
  process.kill(process.pid, 'SIGKILL');
}
