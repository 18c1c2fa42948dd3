/** What the example clients say when something is wrong, and the check of a receipt's signature. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { signedText } from '../web/people/forget/receipts.ts';

const run = promisify(execFile);
const REFUSAL = 'There is already a person called Ada.';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const RECEIPT = {
  id: 'a3c1c7f0-4b7e-4e0e-9d5c-0d4a3f1f6c01',
  person: 'b3c1c7f0-4b7e-4e0e-9d5c-0d4a3f1f6c02',
  requested: '2026-11-30T12:00:00.000Z',
  reason: 'asked',
  status: 'done',
  gallery: 7,
  removed: [{ what: 'faces', count: 2 }],
  unreachable: [],
  key: '0123456789abcdef',
} as unknown as Parameters<typeof signedText>[0];

const withoutRequests = await run('python3', ['-c', 'import requests']).then(
  () => false as const,
  () => 'Python with requests is not on this machine',
);

describe('an example client', () => {
  let folder: string;
  let server: Server;
  let url: string;
  const paths: (string | undefined)[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-clients-'));
    await writeFile(join(folder, 'photo.jpg'), 'a photo');
    server = createServer(async (request, response) => {
      paths.push(request.url);
      // A client that still sends would see a broken connection in place of the answer.
      await request.resume().toArray();
      response.setHeader('Connection', 'close');
      if (request.url === '/v1/receipts/key') {
        const pem = publicKey.export({ type: 'spki', format: 'pem' });
        response.end(JSON.stringify({ publicKey: pem }));
      } else {
        response.writeHead(409).end(JSON.stringify({ detail: REFUSAL }));
      }
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  const failure = async (program: string, file: string, ...given: string[]) => {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const failed = await run(program, [path, ...given]).catch((error: unknown) => error);
    assert.ok(failed instanceof Error && 'stderr' in failed && 'code' in failed, file);
    assert.equal(failed.code, 1);
    return String(failed.stderr);
  };

  for (const [program, file, skip] of [
    [process.execPath, 'people.mjs', false],
    ['python3', 'people.py', withoutRequests],
  ] as const) {
    it(`${file} says how it is used, and shows a refusal and a missing file as one line`, {
      skip,
    }, async () => {
      const photo = join(folder, 'photo.jpg');
      assert.match(await failure(program, file), /^Use: .* URL NAME FIRST_PHOTO SECOND_PHOTO\n$/);
      assert.equal(await failure(program, file, url, 'Ada', photo, photo), `${REFUSAL}\n`);
      assert.equal(paths.at(-1), '/v1/people');
      const missing = join(folder, 'none.jpg');
      assert.match(await failure(program, file, url, 'Ada', missing, photo), /^[^\n]+\n$/);
    });
  }

  it('receipt.mjs takes a receipt as the service signs it, and none that was changed', async () => {
    const signature = sign(null, Buffer.from(signedText(RECEIPT)), privateKey).toString('base64');
    const path = join(folder, 'receipt.json');
    await writeFile(path, JSON.stringify({ ...RECEIPT, signature }, null, 2));
    const program = fileURLToPath(new URL('receipt.mjs', import.meta.url));
    const { stdout } = await run(process.execPath, [program, url, path]);
    assert.equal(stdout, `The signature is valid: receipt ${RECEIPT.id}, done.\n`);

    await writeFile(path, JSON.stringify({ ...RECEIPT, gallery: 8, signature }));
    assert.match(await failure(process.execPath, 'receipt.mjs', url, path), /it was changed/);
    assert.match(await failure(process.execPath, 'receipt.mjs'), /^Use: .* URL RECEIPT_FILE\n$/);
  });
});
