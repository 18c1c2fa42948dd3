// Enrols a person, recognises and verifies another photo of them, and forgets them. Needs only Node.
// Use: node people.mjs http://127.0.0.1:8000 "Ada Lovelace" first.jpg second.jpg
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';

const stop = (why) => process.exit(console.error(why) ?? 1);
process.on('uncaughtException', ({ message, cause }) => stop(cause?.message || message));
const [url, name, first, second] = process.argv.slice(2);
if (!second) stop('Use: node people.mjs URL NAME FIRST_PHOTO SECOND_PHOTO');
const headers = { Accept: 'application/json', Authorization: `Bearer ${process.env.API_KEY}` };

async function call(method, path, photos = [], fields = {}) {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  for (const photo of photos) form.append('inputFile', await openAsBlob(photo), basename(photo));
  const body = photos.length > 0 ? form : undefined;
  const response = await fetch(new URL(path, url), { method, headers, body });
  const answer = await response.json();
  return response.ok ? answer : stop(answer.detail);
}

const { person, doubts } = await call('POST', '/v1/people', [first], { name });
console.log([`enrolled ${person.name}`, ...doubts.map(({ message }) => message)].join('\n  '));
const recognised = await call('POST', '/', [second]);
console.log(`recognised ${recognised.name}, odds 1 in ${recognised.odds}`);
const { same, odds } = await call('POST', '/v1/verifications', [first, second]);
console.log(`verified: ${same ? 'the same person' : 'different people'}, odds 1 in ${odds}`);
const receipt = await call('DELETE', `/v1/people/${person.id}`);
console.log(`forgot ${receipt.person}, receipt ${receipt.id}`);
