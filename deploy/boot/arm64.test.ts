/** The worker's image for arm64 (t4g, c7g), baked and run here by qemu's emulation of each of its programs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { z } from 'zod';
import { stemOf } from '../../cloud/contract/names.ts';
import { addonFile, ownAddons } from '../../model/native/paths.ts';
import { courseImages, courseNames, sharedMissing } from '../../model/shared.fixture.ts';
import { whyNoRoot } from '../bake/root.fixture.ts';
import { bakedRoot } from './image.fixture.ts';

const EMULATOR = '/proc/sys/fs/binfmt_misc/qemu-aarch64';
const PHOTOS = 10;
const APP = '/opt/elastic-face';
const NODE = `${APP}/node_modules/node/bin/node`;
const MODEL = '/usr/local/share/elastic-face/model';
const PATH = '/usr/bin:/bin';
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;

const lineSchema = z.object({ file: z.string(), name: z.string(), distance: z.number() });

function arm64Missing(): string | false {
  if (process.env.ARM64 !== 'full') {
    return 'emulates every instruction of a bake, for half an hour: set ARM64=full to run it';
  }
  if (process.arch !== 'arm64' && !existsSync(EMULATOR)) {
    return 'no emulator of arm64: apt-get install qemu-user-static binfmt-support';
  }
  return whyNoRoot() ?? sharedMissing;
}

describe('a worker baked for arm64', { skip: arm64Missing(), timeout: 7_200_000 }, () => {
  let root: string;
  /** Runs a program of the image, as the service's user. */
  const inside = (...command: string[]): string => {
    const { status, stdout, stderr } = spawnSync(
      '/usr/sbin/chroot',
      ['--userspec=elastic-face', root, ...command],
      {
        encoding: 'utf8',
        // Emulated, a trial of bfloat16 takes minutes.
        env: { PATH, LANG: 'C.UTF-8', MODEL_DIR: MODEL, HOME: '/tmp', PRECISION: 'float32' },
      },
    );
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout;
  };
  const kind = (file: string): string =>
    spawnSync('readelf', ['-h', join(root, file)], { encoding: 'utf8' }).stdout;

  before(async (t) => {
    const begun = performance.now();
    root = await bakedRoot('worker', 'arm64');
    (t as TestContext).diagnostic(`baked, or found baked, in ${seconds(begun)}`);
  });

  after(async () => {
    if (root !== undefined) await rm(join(root, 'tmp/photos'), { recursive: true, force: true });
  });

  it('has Node, TensorFlow’s library and its addons for arm64', () => {
    assert.equal(inside(NODE, '-p', 'process.arch').trim(), 'arm64');
    const native = `${APP}/node_modules/@tensorflow/tfjs-node`;
    const compiled = Object.values(ownAddons)
      .filter((addon) => !('processor' in addon))
      .map(({ file }) => file);
    for (const file of [
      NODE,
      ...['deps/lib/libtensorflow_cc.so.2', addonFile, ...compiled].map((one) => join(native, one)),
    ]) {
      assert.match(kind(file), /AArch64/, file);
    }
  });

  it('recognises ten course photos with TensorFlow, each with the right name', async (t) => {
    const photos = join(root, 'tmp/photos');
    const images = [...courseImages(100)].slice(0, PHOTOS);
    await mkdir(photos, { recursive: true });
    for (const [name, bytes] of images) await writeFile(join(photos, name), bytes);
    const begun = performance.now();
    const said = inside(
      ...[NODE, `${APP}/elastic-face.ts`, 'recognize', '/tmp/photos', '--json'],
      ...['--backend', 'tensorflow', '--threads', '2'],
    );
    t.diagnostic(`${PHOTOS} photos in ${seconds(begun)}, with the start of Node and the model`);
    const found = said
      .trim()
      .split('\n')
      .map((line) => lineSchema.parse(JSON.parse(line)));
    const names = courseNames(100);
    const right = found.filter(({ file, name }) => name === names.get(stemOf(file)));
    t.diagnostic(`names right: ${right.length} of ${found.length}`);
    assert.equal(found.length, PHOTOS);
    assert.deepEqual(right, found);
  });
});
