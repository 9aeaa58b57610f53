/** Opens the keys of a directory and rotates them so many times, saying each time what signs now. @module */
import { Jwts } from '../../src/auth/jwt.ts';
import { openKeys } from '../../src/auth/keys.ts';

const [directory = '', times = '0'] = process.argv.slice(2);
const keys = await openKeys(directory);
const isLong = Number(times) > 10;
for (let count = 0; count < Number(times); count++) {
  await keys.rotate();
  if (isLong) process.stdout.write('rotated\n');
}
const { kid } = await keys.signingKey();
const { token } = await new Jwts(keys, 'urn:13byte-config:test').issue('ann', 1);
console.log(JSON.stringify({ kid, token, sealed: await keys.seal.sealText('test', kid) }));
