/** A file that was checked is not read again until it is changed, by whom and however that is done. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, open, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { checkOnce, noteChecked, notePath } from './checked-file.ts';

// Elsewhere nothing tells whether the machine has started again, and each process checks for itself.
const skip = process.platform !== 'linux' && 'no notes are kept outside Linux';

let folder: string;
let path: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'elastic face checked-'));
  path = join(folder, 'file');
});
after(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  await rm(path, { force: true });
  await rm(notePath(path), { force: true });
  await writeFile(path, 'content', { mode: 0o600 });
});

let checks = 0;
/** Whether the file had to be read. */
async function isChecked(content = 'one', of = path): Promise<boolean> {
  checks = 0;
  assert.equal(
    await checkOnce(of, content, async () => {
      checks += 1;
      return true;
    }),
    true,
  );
  return checks > 0;
}

test('it is checked once, also if its writer did so', { skip }, async () => {
  assert.equal(await isChecked(), true);
  assert.equal(await isChecked(), false);
  assert.equal(((await stat(notePath(path))).mode & 0o777).toString(8), '600');
  await writeFile(path, 'another content');
  await noteChecked(path, 'two');
  assert.equal(await isChecked('two'), false);
  assert.equal(await isChecked('one'), true);
});

test('what is not as it must be is no note', async () => {
  assert.equal(await checkOnce(path, 'one', async () => false), false);
  assert.equal(await isChecked(), true);
});

const changes: [string, () => Promise<unknown>][] = [
  ['written in place', () => overwrite()],
  [
    'written in place, with its old times',
    async () => {
      const { atime, mtime } = await stat(path);
      await overwrite();
      await utimes(path, atime, mtime);
    },
  ],
  [
    'replaced',
    async () => {
      await rm(path);
      await writeFile(path, 'CONTENT', { mode: 0o600 });
    },
  ],
  ['open to others', () => chmod(path, 0o666)],
  ['noted by a text of somebody', () => writeFile(notePath(path), 'one')],
  ['noted in a file that others may write', () => chmod(notePath(path), 0o666)],
];
for (const [what, change] of changes) {
  test(`it is checked again when it is ${what}`, { skip }, async () => {
    await isChecked();
    await change();
    assert.equal(await isChecked(), true);
  });
}

async function overwrite(): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write('C', 0);
  await handle.close();
}

test('a link is checked each time, and a file that is gone is not there', async () => {
  const link = join(folder, 'link');
  await symlink(path, link);
  assert.equal(await isChecked('one', link), true);
  assert.equal(await isChecked('one', link), true);
  await noteChecked(join(folder, 'nothing'), 'one');
  await assert.rejects(stat(notePath(join(folder, 'nothing'))), { code: 'ENOENT' });
});
