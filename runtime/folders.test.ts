import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { foldersIn } from './folders.ts';

describe('the folders of a user', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'elastic-face-folders-'));
  });
  afterEach(() => rm(root, { recursive: true }));
  const temporary = () => join(root, 'temporary');
  const unneeded = () => assert.fail('no temporary folder is needed');

  it('are in a home that can be written, and are not made before they are needed', async () => {
    const home = { cache: join(root, 'a/cache'), data: join(root, 'b/data') };
    const { folders, warning } = foldersIn(home, unneeded);
    assert.deepEqual(folders, {
      cache: home.cache,
      model: join(home.data, 'model'),
      localCloud: join(home.data, 'local-cloud'),
    });
    assert.equal(warning, undefined);
    await assert.rejects(stat(home.cache), { code: 'ENOENT' });
  });

  it('are temporary where the home cannot be written, but a model that is there is read', async () => {
    // A file where a folder would have to be: this stops root too.
    await writeFile(join(root, 'file'), '');
    await mkdir(join(root, 'data/model'), { recursive: true });
    const home = { cache: join(root, 'file/cache'), data: join(root, 'data') };
    const { folders, warning = '' } = foldersIn(home, temporary);
    assert.ok(folders.cache.startsWith(temporary()));
    assert.equal(folders.model, join(home.data, 'model'));
    assert.equal(folders.localCloud, join(home.data, 'local-cloud'));
    assert.match(warning, /^Cannot write .*file\/cache: using/);
  });
});

describe('a process of a user', () => {
  const url = new URL('./folders.ts', import.meta.url);
  const program = `
    const { folders, takeFolderWarning } = await import('${url}');
    console.log(JSON.stringify([folders, takeFolderWarning(), takeFolderWarning()]));
  `;
  const run = (environment: NodeJS.ProcessEnv) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      env: environment,
    });
    assert.equal(stderr, '');
    return JSON.parse(stdout) as [Record<string, string>, string | null, string | null];
  };

  it('a user with a home gets no warning', async () => {
    const home = await mkdtemp(join(tmpdir(), 'elastic-face-home-'));
    const [folders, warning] = run({ HOME: home });
    assert.equal(warning, null);
    assert.ok(folders.cache?.startsWith(home));
    await rm(home, { recursive: true });
  });

  it('a user whose home is a device is warned once, and gets a private folder', async () => {
    const temp = await mkdtemp(join(tmpdir(), 'elastic-face-temp-'));
    try {
      const [folders, first, second] = run({ HOME: '/dev/null', TMPDIR: temp });
      assert.match(first ?? '', /^Cannot write \/dev\/null\/.cache\/elastic-face/);
      assert.equal(second, null);
      const own = join(folders.cache ?? '', '..');
      assert.equal((await stat(own)).mode & 0o777, 0o700);
      assert.deepEqual(run({ HOME: '/dev/null', TMPDIR: temp })[0], folders);
      // Another user's, or open to others: libraries must not be loaded from there.
      await chmod(own, 0o777);
      assert.notDeepEqual(run({ HOME: '/dev/null', TMPDIR: temp })[0], folders);
    } finally {
      await rm(temp, { recursive: true });
    }
  });

  it('who has neither a home nor a name gets a private home, for libraries and children too', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can become another user');
    const temp = await mkdtemp(join(tmpdir(), 'elastic-face-temp-'));
    await chmod(temp, 0o777);
    const nameless = 54_321;
    const code = `
      const { folders, takeFolderWarning } = await import('${url}');
      const { homedir } = await import('node:os');
      console.log(JSON.stringify({ folders, warning: takeFolderWarning(), home: homedir() }));`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', code],
      { encoding: 'utf8', env: { TMPDIR: temp }, uid: nameless, gid: nameless },
    );
    try {
      if (status !== 0 && /EACCES/.test(stderr)) return t.skip('another user cannot run this');
      const { folders, warning, home } = JSON.parse(stdout);
      assert.equal(home, join(temp, `elastic-face-${nameless}`));
      for (const folder of Object.values<string>(folders)) assert.ok(folder.startsWith(home));
      assert.match(warning, /^This user has no home folder: using .*Set HOME/);
      assert.equal((await stat(home)).mode & 0o777, 0o700);
    } finally {
      await rm(temp, { recursive: true });
    }
  });
});
