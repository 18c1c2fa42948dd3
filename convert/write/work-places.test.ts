import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { OutputError } from '../errors.ts';
import { besideOf, findWorkPlaces, insideOf, requireFreeSpace } from './work-places.ts';

const root = await mkdtemp(join(tmpdir(), 'elastic-face-places-'));
after(() => rm(root, { recursive: true, force: true }));
let parent: string;
let model: string;
beforeEach(async () => {
  parent = await mkdtemp(join(root, 'test-'));
  model = join(parent, 'model');
});

const code = `
  import { findWorkPlaces } from ${JSON.stringify(join(import.meta.dirname, 'work-places.ts'))};
  const places = await findWorkPlaces(process.argv[1]).catch(({ message }) => ({ message }));
  console.log(JSON.stringify(places));`;
const script = ['--input-type=module', '-e', code];

/** What `findWorkPlaces` gives in a mount namespace of its own, where `prepare` may mount what it likes. */
function underMounts(prepare: string, directory: string) {
  const options = ['--user', '--map-root-user', '--mount'];
  const shell = ['sh', '-ec', `${prepare} && exec "$@"`, 'sh', process.execPath];
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [...options, ...shell, ...script, directory],
    { encoding: 'utf8' },
  );
  return status === 0 ? JSON.parse(stdout) : { skip: `nothing can be mounted here: ${stderr}` };
}

test('a folder that is missing, or can be renamed, is replaced as a whole', async () => {
  assert.deepEqual(await findWorkPlaces(model), besideOf(model));
  await mkdir(model);
  await writeFile(join(model, 'file'), '');
  assert.deepEqual(await findWorkPlaces(model), besideOf(model));
  assert.deepEqual(await readdir(parent), ['model']);
  assert.deepEqual(await readdir(model), ['file']);
});

test('a model goes into the folder that a link leads to, and a link that leads nowhere is named', async () => {
  await mkdir(join(parent, 'real'));
  await symlink('real', model);
  assert.deepEqual(await findWorkPlaces(model), besideOf(join(parent, 'real')));
  await rm(join(parent, 'real'), { recursive: true });
  await assert.rejects(findWorkPlaces(model), (error) => {
    assert.ok(error instanceof OutputError);
    assert.match(error.message, /model is a link to real, which cannot be reached .*--out/);
    return true;
  });
});

for (const [what, mount] of [
  ['a mounted disk', 'mount -t tmpfs none'],
  ['a folder of the same disk that is mounted', 'mount --bind /tmp'],
] as const) {
  test(`${what} cannot be renamed, and is used from inside`, async (t) => {
    await mkdir(model);
    const found = underMounts(`${mount} ${model}`, model);
    if (found.skip) return t.skip(found.skip);
    assert.deepEqual(found, insideOf(model));
  });
}

test('a folder whose parent is read-only is used from inside', async (t) => {
  await mkdir(model);
  const found = underMounts(
    `mount --bind ${parent} ${parent} && mount -t tmpfs none ${model} && mount -o remount,bind,ro ${parent}`,
    model,
  );
  if (found.skip) return t.skip(found.skip);
  assert.deepEqual(found, insideOf(model));
});

test('a read-only disk is refused at once, with what to do', async (t) => {
  const found = underMounts(
    `mount -t tmpfs none ${parent} && mkdir ${model} && mount -o remount,ro ${parent}`,
    model,
  );
  if (found.skip) return t.skip(found.skip);
  assert.equal(
    found.message,
    `The model cannot be written into ${model}: the disk is read-only: mount it for writing, or name another folder with --out.`,
  );
});

test('a parent that this user may not write is refused at once, or the folder is used from inside', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become another user');
  const nobody = 65_534;
  await chmod(root, 0o755);
  await chmod(parent, 0o755);
  const found = () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...script, model], {
      encoding: 'utf8',
      uid: nobody,
      gid: nobody,
    });
    return status === 0 ? JSON.parse(stdout) : { skip: `another user cannot run this: ${stderr}` };
  };
  const { skip, message } = found();
  if (skip) return t.skip(skip);
  assert.equal(
    message,
    `The model cannot be written into ${model}: this user may not write there: set its permissions, or name another folder with --out.`,
  );
  await mkdir(model);
  await chown(model, nobody, nobody);
  assert.deepEqual(found(), insideOf(model));
});

test('a path through a file is refused at once', async () => {
  await writeFile(model, '');
  await assert.rejects(findWorkPlaces(join(model, 'below')), /a part of the path is a file.*--out/);
});

test('a disk that is too small is refused before the work, with both sizes', async () => {
  const places = besideOf(model);
  await assert.doesNotReject(requireFreeSpace(places, 1));
  await assert.rejects(
    requireFreeSpace(places, 1e18),
    (error) =>
      error instanceof OutputError && /has \d+ MB free and .* 1000000000000 MB/.test(error.message),
  );
});
