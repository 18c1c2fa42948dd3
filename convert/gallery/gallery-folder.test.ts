import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { CheckpointError } from '../errors.ts';
import { listGalleryPhotos } from './gallery-folder.ts';
import { galleryFolder } from './people.fixture.ts';

test('every sub-folder is a person with its photos, in an order that is always the same', async () => {
  const folder = await galleryFolder(['Zoë/b.JPG', 'Zoë/a.png', 'Ada/1.webp', '.git/x.jpg']);
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual(
    photos.map(({ person, path }) => `${person} ${basename(path)}`),
    ['Ada 1.webp', 'Zoë a.png', 'Zoë b.JPG'],
  );
  assert.deepEqual(leftOut, []);
});

test('files beside photos that are none are passed over', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/.DS_Store', 'Ada/notes.txt', 'read.me']);
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([photos.length, leftOut.length], [1, 0]);
});

test('a photo of a kind that cannot be read is taken, so that it is refused by name', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/IMG_1.DNG']);
  const { photos } = await listGalleryPhotos(folder);
  assert.deepEqual(
    photos.map(({ path }) => basename(path)),
    ['1.jpg', 'IMG_1.DNG'],
  );
});

test('photos that lie where nobody looks are named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg', 'Ada/2025/2.jpg', '3.jpg']);
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.equal(photos.length, 1);
  assert.deepEqual(
    leftOut.map(({ path, why }) => `${relative(folder, path)} ${why}`),
    ['3.jpg lies in no person’s folder', 'Ada/2025 is a folder: put its photos one level up'],
  );
});

test('a link to a person’s folder is that person, a link to a photo is that photo', async () => {
  const photos = await galleryFolder(['2024/1.jpg', '2024/2.png']);
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(join(photos, '2024'), join(folder, 'Zoë'));
  await symlink(join(photos, '2024/2.png'), join(folder, 'Ada/portrait'));
  const listed = await listGalleryPhotos(folder);
  assert.deepEqual(listed.people, ['Ada', 'Zoë']);
  assert.deepEqual(
    listed.photos.map(({ person, path }) => `${person} ${basename(path)}`),
    ['Ada 1.jpg', 'Ada portrait', 'Zoë 1.jpg', 'Zoë 2.png'],
  );
  assert.deepEqual(listed.leftOut, []);
});

test('links that lead in a circle end, and are named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(folder, join(folder, 'Ada/people'));
  await symlink(join(folder, 'Bea'), join(folder, 'Bea'));
  const { people, photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([people, photos.length], [['Ada'], 1]);
  const told = leftOut.map(({ path, why }) => `${relative(folder, path)} ${why}`);
  assert.equal(told[0], 'Ada/people is a folder: put its photos one level up');
  assert.match(told[1] ?? '', /^Bea cannot be read: ELOOP/);
});

test('a person’s folder that is gone is named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(join(folder, 'gone'), join(folder, 'Zoë'));
  const { people, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([people, leftOut.length], [['Ada'], 1]);
  assert.match(leftOut[0]!.why, /^cannot be read: ENOENT/);
});

test('a link that leads nowhere is named', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  await symlink(join(folder, 'gone.jpg'), join(folder, 'Ada/2.jpg'));
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.deepEqual([photos.length, leftOut.length], [1, 1]);
  assert.match(leftOut[0]!.why, /^cannot be read: ENOENT/);
});

test('a person without a photo and a folder without a person are clear errors', async () => {
  const empty = await galleryFolder(['Ada/notes.txt']);
  await assertRefused(
    empty,
    `${join(empty, 'Ada')} has no photo, or none that can be used: add one`,
  );
  const nobody = await galleryFolder(['1.jpg']);
  await assertRefused(nobody, `${nobody} has no person`);
});

test('a person without a usable photo is told why at once', async () => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  const nobody = await galleryFolder([]);
  await symlink(join(folder, 'gone.jpg'), join(await subFolder(nobody, 'Bob'), '1.jpg'));
  await assertRefused(nobody, /Bob has no photo.*\nLeft out:\n.*1\.jpg cannot be read: ENOENT/);
});

test('a gallery one level further down is pointed at', async () => {
  const folder = await galleryFolder(['staff/Ada/1.jpg']);
  await assertRefused(folder, `--gallery ${join(folder, 'staff')}`);
});

describe('what systems put into folders', () => {
  const left = [
    ...['@eaDir/Ada/SYNOPHOTO_THUMB_M.jpg', 'Ada/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg'],
    ...['__MACOSX/Ada/._1.jpg', 'Ada/._1.jpg', '.DS_Store', 'Ada/.DS_Store', '.Trashes/1.jpg'],
    ...['$RECYCLE.BIN/S-1-5-21/a.jpg', 'System Volume Information/a.dat', 'Ada/Thumbs.db'],
    ...[
      'Ada/desktop.ini',
      '#recycle/old.jpg',
      'lost+found/#123.jpg',
      '.git/x.jpg',
      '@Recycle/1.jpg',
    ],
    ...['FOUND.000/FILE0000.jpg', '.AppleDouble/1.jpg', 'Network Trash Folder/1.jpg'],
  ];

  test('is passed over, each name told once, and nobody is named after it', async () => {
    const folder = await galleryFolder(['Ada/1.jpg', 'Bob/1.jpg', ...left]);
    const { people, photos, leftOut, passedOver, doubts } = await listGalleryPhotos(folder);
    assert.deepEqual(people, ['Ada', 'Bob']);
    assert.deepEqual([photos.length, leftOut, doubts], [2, [], []]);
    const told = [
      ...['#recycle', '$RECYCLE.BIN', '.AppleDouble', '.DS_Store', '.Trashes', '._*', '.git'],
      ...['@Recycle', '@eaDir', 'FOUND.000', 'Network Trash Folder', 'System Volume Information'],
      ...['Thumbs.db', '__MACOSX', 'desktop.ini', 'lost+found'],
    ];
    assert.deepEqual(passedOver, told.toSorted());
  });

  test('is doubted where only its name begins like a system’s, and passed over without photos', async () => {
    const folder = await galleryFolder(['@home/1.jpg', '__old/1.jpg', '$x/notes.txt', 'Ada/1.jpg']);
    const { people, passedOver, doubts } = await listGalleryPhotos(folder);
    assert.deepEqual(people, ['@home', 'Ada', '__old']);
    assert.deepEqual(passedOver, ['$x']);
    assert.deepEqual(doubts, [
      'the folder @home is taken as a person: is it a system’s?',
      'the folder __old is taken as a person: is it a system’s?',
    ]);
  });
});

test('pipes, sockets and devices are named and never opened', async (t) => {
  const folder = await galleryFolder(['Ada/1.jpg']);
  execFileSync('mkfifo', [join(folder, 'Ada/cam.jpg'), join(folder, 'Ada/feed')]);
  const server = createServer().listen(join(folder, 'Ada/s.jpg'));
  t.after(() => server.close());
  await once(server, 'listening');
  await symlink('/dev/zero', join(folder, 'Ada/zero.png'));
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.equal(photos.length, 1);
  assert.deepEqual(
    leftOut.map(({ path, why }) => `${basename(path)} ${why}`),
    [
      'cam.jpg is a pipe, which is not opened',
      'feed is a pipe, which is not opened',
      's.jpg is a socket, which is not opened',
      'zero.png is a device, which is not opened',
    ],
  );
});

test('a photo without the ending of one is named', async () => {
  const jpeg = Buffer.from('ffd8ffe000104a464946', 'hex');
  const folder = await galleryFolder({ 'Ada/1.jpg': jpeg, 'Ada/0001': jpeg, 'Ada/2.bak': jpeg });
  await writeFile(join(folder, 'Ada/notes'), 'text');
  const { photos, leftOut } = await listGalleryPhotos(folder);
  assert.equal(photos.length, 1);
  assert.deepEqual(
    leftOut.map(({ path, why }) => `${basename(path)} ${why}`),
    [
      '0001 is a JPEG photo without the ending of one: name it 0001.jpg',
      '2.bak is a JPEG photo without the ending of one: name it 2.bak.jpg',
    ],
  );
});

describe('names of people', () => {
  test('are NFC without outer spaces, and one that is written in two ways is one person', async () => {
    const folder = await galleryFolder(['Zo\u00eb/1.jpg', 'Zoe\u0308/2.jpg', 'Ada \u00a0/1.jpg']);
    const { people, photos, doubts } = await listGalleryPhotos(folder);
    assert.deepEqual([people, photos.length, doubts], [['Ada', 'Zo\u00eb'], 3, []]);
  });

  test('that look like one are asked about', async () => {
    const folder = await galleryFolder(['Ada/1.jpg', 'ada/1.jpg', 'Bob/1.jpg', 'Bob /2.jpg']);
    const { people, doubts } = await listGalleryPhotos(folder);
    assert.deepEqual(people, ['Ada', 'Bob', 'ada']);
    assert.deepEqual(doubts, [
      '“Ada” and “ada” look like one name: are they one person?',
      '“Bob” and “Bob ” differ only in outer spaces and are taken as one person',
    ]);
  });

  test('with a colon are mentioned', async () => {
    const { doubts } = await listGalleryPhotos(await galleryFolder(['Lovelace: Ada/1.jpg']));
    assert.match(doubts[0]!, /^“Lovelace: Ada” has a colon/);
  });

  test('with a control character, or not in UTF-8, are refused by name', async () => {
    const folder = await galleryFolder(['Ada\nLovelace/1.jpg']);
    await assertRefused(
      folder,
      /Ada<U\+000A>Lovelace” has a name that has the control character U\+000A/,
    );
    const bytes = await galleryFolder(['Ada/1.jpg']);
    const odd = Buffer.concat([Buffer.from(`${bytes}/Zo`), Buffer.of(0xeb)]);
    await mkdir(odd);
    await writeFile(Buffer.concat([odd, Buffer.from('/1.jpg')]), '');
    const { people, leftOut } = await listGalleryPhotos(bytes);
    assert.deepEqual(people, ['Ada']);
    assert.match(leftOut[0]!.why, /^has a name that is not in UTF-8: give it another one$/);
  });
});

test('a folder that this user may not read is named with its own right', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become another user');
  const folder = await galleryFolder(['Ada/1.jpg', 'Bob/1.jpg', 'lost+found/x']);
  await chmod(folder, 0o755);
  for (const name of ['Bob', 'lost+found']) await chmod(join(folder, name), 0);
  const code = `
    import { listGalleryPhotos } from ${JSON.stringify(join(import.meta.dirname, 'gallery-folder.ts'))};
    console.log(await listGalleryPhotos(process.argv[1]).catch(({ message }) => message));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', code, folder],
    { encoding: 'utf8', uid: 65_534, gid: 65_534 },
  );
  if (status !== 0) return t.skip(`another user cannot run this: ${stderr}`);
  assert.match(stdout, /Bob cannot be read: this user has no right to\. Give this user the right/);
});

async function subFolder(folder: string, name: string): Promise<string> {
  await mkdir(join(folder, name));
  return join(folder, name);
}

async function assertRefused(folder: string, reason: string | RegExp): Promise<void> {
  await assert.rejects(listGalleryPhotos(folder), (error) => {
    assert.ok(error instanceof CheckpointError);
    if (typeof reason === 'string') assert.ok(error.message.includes(reason), error.message);
    else assert.match(error.message, reason);
    return true;
  });
}
