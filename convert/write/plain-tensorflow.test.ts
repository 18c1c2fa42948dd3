import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { openNetworks } from '../../model/backend/open-networks.ts';
import { type EncoderKind, encoderKinds } from '../../model/format.ts';
import { facenetMissing, modelDirectory } from '../../test/model.fixture.ts';
import { type Answers, answersOf } from '../self-test/reference.ts';
import { deviationsOf, TOLERANCE } from '../self-test/self-test.ts';

const PROGRAM = fileURLToPath(new URL('./plain-tensorflow.fixture.ts', import.meta.url));

const values = z.array(z.number()).transform((numbers) => Float32Array.from(numbers));
const saidSchema = z.object({
  backend: z.string(),
  answers: z.object({
    pnet: z.object({ probability: values, regression: values }),
    rnet: z.object({ probability: values, regression: values }),
    onet: z.object({ probability: values, regression: values, landmarks: values }),
    encoder: z.object({ embedding: values }),
  }),
});

const signatureSchema = z.object({
  signature: z.object({
    inputs: z.object({
      'encoder/faces': z.object({
        tensorShape: z.object({ dim: z.array(z.object({ size: z.string() })).length(4) }),
      }),
    }),
  }),
});

for (const kind of encoderKinds) {
  const skip = kind === 'facenet' && (await facenetMissing());
  describe(
    `the converted model with ${kind} is plain TensorFlow.js`,
    { skip, timeout: 240_000 },
    () => testPlainModel(kind),
  );
}

function testPlainModel(kind: EncoderKind): void {
  let directory: string;
  let ours: Answers;
  let server: Server;

  before(async () => {
    directory = await modelDirectory(kind);
    const networks = await openNetworks(directory, { backend: 'wasm' });
    ours = answersOf(networks);
    networks.dispose();
    // As a browser would have it: TensorFlow.js without tfjs-node reads no files.
    server = createServer(({ url = '' }, response) => {
      createReadStream(join(directory, url))
        .on('error', () => response.destroy())
        .pipe(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  it('tfjs-node loads its file and answers the same', async () => {
    const url = pathToFileURL(join(directory, 'model.json')).href;
    assertSame(await answersBy('tensorflow', url), ours);
  });

  it('TensorFlow.js on WebAssembly loads it from a web server and answers the same', async () => {
    const { port } = server.address() as AddressInfo;
    assertSame(await answersBy('wasm', `http://127.0.0.1:${port}/model.json`), ours);
  });

  it('docs/library.md shows how in lines that work', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/library.md'), 'utf8');
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
    const side = String(await faceSize(directory));
    const program = code.replace('/path/to/model', directory).replaceAll('240', side);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { cwd: import.meta.dirname },
    );
    assert.match(stdout, new RegExp(`Float32Array\\(${ours.encoder.embedding.length / 2}\\)`));
  });
}

/** px, of the crops that the encoder takes */
async function faceSize(directory: string): Promise<number> {
  const text = await readFile(join(directory, 'model.json'), 'utf8');
  const { signature } = signatureSchema.parse(JSON.parse(text));
  return Number(signature.inputs['encoder/faces'].tensorShape.dim[1]!.size);
}

function assertSame(theirs: Answers, ours: Answers): void {
  for (const [network, deviation] of Object.entries(deviationsOf(theirs, ours))) {
    assert.ok(deviation <= TOLERANCE, `${network} is ${deviation} off`);
  }
}

/** By a process of its own: two copies of TensorFlow in one would clash. */
async function answersBy(engine: 'tensorflow' | 'wasm', url: string): Promise<Answers> {
  const child = fork(PROGRAM, [engine, url], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  const message = new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code, signal) => reject(new Error(`it ended with ${code ?? signal}`)));
  });
  const { backend, answers } = saidSchema.parse(await message);
  assert.equal(backend, engine);
  return answers;
}
