// Checks that a receipt was signed by this deployment and not changed since. Needs only Node.
// Use: node receipt.mjs http://127.0.0.1:8000 receipt.json
import { verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const stop = (why) => process.exit(console.error(why) ?? 1);
process.on('uncaughtException', ({ message, cause }) => stop(cause?.message || message));
const [url, file] = process.argv.slice(2);
if (!file) stop('Use: node receipt.mjs URL RECEIPT_FILE');

const headers = { Authorization: `Bearer ${process.env.API_KEY}` };
const response = await fetch(new URL('/v1/receipts/key', url), { headers });
const key = await response.json();
if (!response.ok) stop(key.detail);

/** Members in the order of their names, as they were signed. */
const sorted = (_, value) =>
  value?.constructor === Object ? Object.fromEntries(Object.entries(value).sort()) : value;

const { signature, ...receipt } = JSON.parse(await readFile(file, 'utf8'));
const signed = Buffer.from(JSON.stringify(receipt, sorted));
const isValid = verify(null, signed, key.publicKey, Buffer.from(String(signature), 'base64'));
if (!isValid) stop(`${file} is not a receipt of this deployment, or it was changed.`);
console.log(`The signature is valid: receipt ${receipt.id}, ${receipt.status}.`);
