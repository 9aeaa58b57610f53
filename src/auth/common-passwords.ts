/**
 * The commonest passwords that are long enough to be one here, in lower case: put together from what the published
 * lists of leaked ones begin with. Short on purpose: it stops the first guesses, rate limits stop the rest.
 * @module
 */

const WORDS = `
123456789012 1234567890123 12345678901234 123456789123 123456123456 123123123123 1234567891011 1234567890ab
12345678910a 0123456789ab 0987654321098 987654321098 1234qwerasdf 1234qwer1234 1q2w3e4r5t6y 1q2w3e4r5t6y7u
1q2w3e4r1q2w 1qaz2wsx3edc 1qaz2wsx3edc4rfv zaq12wsxcde3 qazwsxedcrfv qwertyuiop12 qwertyuiop123 qwertyuiopas
qwertyuiopasdfghjkl qwertyqwerty qwerty123456 qwerty1234567 qwerty12345678 qwertyuiop[] qwerty!23456
qwerty123qwerty asdfghjkl123 asdfasdfasdf asdfqwerzxcv zxcvbnmasdfgh zxcvbnm12345 abcdefghijkl
abcdefghijklmnopqrstuvwxyz abcdefg12345 abcd12345678 abc123abc123 abcabc123123 a1b2c3d4e5f6 password1234
password12345 password123456 password2024 password2025 password2026 password1234! password123!! passwordpassword
password!234 p@ssw0rd1234 p@ssword1234 passw0rd1234 passw0rd12345 mypassword12 mypassword123 mypassword1234
thisismypassword thisispassword changemenow1 changemechangeme changeme1234 changeme12345 letmeinletmein
letmein12345 letmein123456 welcome12345 welcome123456 welcomewelcome welcome2024! welcome2025! welcome2026!
administrator administrator1 administrator123 admin1234567 admin12345678 adminadmin12 adminadminadmin
adminpassword superuser123 rootrootroot rootpassword defaultpassword secretpassword supersecret1 supersecret123
topsecret123 iloveyou1234 iloveyouforever iloveyou123456 iloveyousomuch monkey123456 dragon123456 sunshine1234
football1234 baseball1234 superman1234 princess1234 pokemon123456 michelle1234 charlie12345
correcthorsebatterystaple trustno1trustno1 letmeinplease nevergonnagiveyouup opensesame123 starwars1234
testtesttest testpassword test12345678 testing12345 temppassword summer2024!! winter2024!! qwertz123456
azertyuiop12 azertyuiop123 motdepasse123 passwort1234 passwort12345 contraseña123 contrasena123 senha1234567
`;

export const COMMON_PASSWORDS: ReadonlySet<string> = new Set([
  ...WORDS.split(/\s+/).filter((word) => word !== ''),
  'correct horse battery staple',
]);
