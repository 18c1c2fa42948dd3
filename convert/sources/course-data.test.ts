import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { zipSync } from 'fflate';
import { temporaryFolder } from '../checkpoint/temporary-file.fixture.ts';
import { CheckpointError } from '../errors.ts';
import { unpackPhotos } from './course-data.ts';

const photo = Buffer.from('a photo');

describe('a zip file of photos', () => {
  test('is unpacked flat, without what macOS adds', async () => {
    const folder = join(temporaryFolder(), 'photos');
    const zip = zipSync({
      'faces/a.jpg': photo,
      'faces/deep.er/b.PNG': photo,
      '__MACOSX/faces/._a.jpg': photo,
    });
    await unpackPhotos('faces.zip', zip, folder);
    assert.deepEqual(readdirSync(folder).toSorted(), ['a.jpg', 'b.PNG']);
    assert.deepEqual(readFileSync(join(folder, 'a.jpg')), photo);
  });

  test('that another process has unpacked meanwhile is left as it is', async () => {
    const folder = join(temporaryFolder(), 'photos');
    await Promise.all([1, 2].map(() => unpackPhotos('z', zipSync({ 'a.jpg': photo }), folder)));
    assert.deepEqual(readdirSync(folder), ['a.jpg']);
  });

  const lied = Buffer.from(zipSync({ 'a.jpg': new Uint8Array(100_000) }));
  for (const [what, zip, reason] of [
    [
      'an entry that climbs out',
      zipSync({ '../evil.jpg': photo }),
      /invalid relative path: \.\.\/evil\.jpg/,
    ],
    [
      'an entry that climbs out later',
      zipSync({ 'a/../../evil.jpg': photo }),
      /invalid relative path/,
    ],
    ['an absolute entry', zipSync({ '/tmp/evil.jpg': photo }), /absolute path/],
    ['a Windows path', zipSync({ '..\\evil.jpg': photo }), /invalid relative path/],
    ['a program', zipSync({ 'run.sh': photo }), /"run\.sh" is not a photo/],
    ['one name twice', zipSync({ 'a/x.jpg': photo, 'b/X.jpg': photo }), /has X\.jpg twice/],
    ['a bomb in it', zipSync({ 'a.jpg': new Uint8Array(70_000_000) }), /larger than photos/],
    ['its end missing', lied.subarray(0, -10), /not a zip file, or damaged/],
    ['another kind', Buffer.from('<html>'), /not a zip file, or damaged/],
  ] as const) {
    test(`with ${what} is refused and nothing is written`, async () => {
      const parent = temporaryFolder();
      await assert.rejects(unpackPhotos('faces.zip', zip, join(parent, 'photos')), (error) => {
        assert.ok(error instanceof CheckpointError);
        assert.match(error.message, /^faces\.zip cannot be used: /);
        assert.match(error.message, reason);
        return true;
      });
      assert.deepEqual(readdirSync(parent), []);
    });
  }
});
