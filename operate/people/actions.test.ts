/** Actions that write and read files, with a service whose answers the test gives. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PeopleClient } from '../../people/client.ts';
import { PeopleClientError } from '../../people/client.ts';
import { SettingsError } from '../../runtime/errors.ts';
import { actions } from './actions.ts';

const flags = { add: false, acceptLowQuality: false, answers: false };

describe('actions on people', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-actions-'));
  });
  after(() => rm(folder, { recursive: true }));

  const exporting = (
    pull: (out: ReadableStreamDefaultController<Uint8Array>) => void,
  ): PeopleClient =>
    ({ export: async () => new ReadableStream({ pull }) }) as unknown as PeopleClient;
  const all = (pull: ReadableStreamDefaultController<Uint8Array>): void => {
    pull.enqueue(Buffer.from('{}\n'));
    pull.close();
  };

  it('export says what to do about a file that is there or cannot be made', async () => {
    const path = join(folder, 'there.jsonl');
    await writeFile(path, 'mine');
    const client = exporting(all);
    await assert.rejects(Array.fromAsync(actions.export.run(client, [path])), (error) => {
      assert(error instanceof SettingsError);
      assert.match(error.message, /there\.jsonl: it is there already, choose another name\.$/);
      return true;
    });
    assert.equal(await readFile(path, 'utf8'), 'mine');
    const lost = join(folder, 'missing', 'file.jsonl');
    await assert.rejects(Array.fromAsync(actions.export.run(client, [lost])), SettingsError);
  });

  it('export leaves no file behind when the service fails', async () => {
    const refusing = {
      export: () => Promise.reject(new PeopleClientError('Cannot reach it.')),
    } as unknown as PeopleClient;
    const path = join(folder, 'half.jsonl');
    await assert.rejects(Array.fromAsync(actions.export.run(refusing, [path])), PeopleClientError);
    let pieces = 0;
    const breaking = exporting((out) => {
      if (pieces++ > 0) throw new Error('broken off');
      out.enqueue(Buffer.from('{}\n'));
    });
    await assert.rejects(Array.fromAsync(actions.export.run(breaking, [path])), /broken off/);
    assert.equal((await readdir(folder)).includes('half.jsonl'), false);
  });

  /** Takes requests until one has a photo of this name; enrols every photo of the others. */
  const refusing = (name: string): PeopleClient => {
    let faces: object[] = [];
    return {
      add: async (who: string, photos: readonly string[]) => {
        const at = photos.findIndex((path) => path.endsWith(name));
        if (at >= 0) throw new PeopleClientError(`Photo ${at + 1} ("${name}") shows no face.`);
        faces = [...faces, ...photos.map(() => ({}))];
        const doubts = [{ message: 'Photo 1 also looks like Photo 7 of Eva.' }];
        return { person: { id: 'id', name: who, faces }, gallery: 1, doubts };
      },
    } as unknown as PeopleClient;
  };
  const photos = async (count: number): Promise<string[]> => {
    const paths = Array.from({ length: count }, (_, at) => join(folder, `${at + 1}.jpg`));
    for (const path of paths) await writeFile(path, 'a photo');
    return paths;
  };
  const add = (client: PeopleClient, paths: readonly string[]): Promise<string[]> =>
    Array.fromAsync(actions.add.run(client, ['Ada', ...paths], flags));

  it('add numbers photos over all requests', async () => {
    const said = await add(refusing('none'), await photos(21));
    assert.deepEqual(
      said.slice(0, -1).map((line) => line.slice(0, 52)),
      [1, 11, 21].map((at) =>
        `To check: Photo ${at} also looks like Photo 7 of Eva. (\`people`.slice(0, 52),
      ),
    );
    assert.match(said.at(-1) ?? '', /Ada\t21 faces/);
  });

  it('add says which photos are enrolled when a later request is refused', async () => {
    const paths = await photos(13);
    await assert.rejects(add(refusing('12.jpg'), paths), (error) => {
      assert(error instanceof PeopleClientError);
      assert.match(error.message, /^Photo 12 \("12\.jpg"\) shows no face\.\nPhotos 1 \(/);
      assert.match(error.message, /10\.jpg\) are enrolled as Ada\. Photos 11 \(.*enrol only these/);
      assert.match(error.message, /--add/);
      return true;
    });
    await assert.rejects(add(refusing('2.jpg'), paths), {
      message: /^Photo 2 \("2\.jpg"\) [^\n]*$/,
    });
  });

  it('add sends nothing when any path is wrong', async () => {
    let calls = 0;
    const client = { add: async () => (calls += 1) } as unknown as PeopleClient;
    const paths = [...(await photos(12)), join(folder, 'missing.jpg')];
    await assert.rejects(add(client, paths), SettingsError);
    assert.equal(calls, 0);
  });

  it('import of a folder lists everything that it skips', async () => {
    const people = join(folder, 'people');
    await mkdir(join(people, 'Ada', 'older'), { recursive: true });
    for (const [path, text] of [
      ['loose.jpg', 'a photo'],
      ['list.csv', 'Ada'],
      ['.DS_Store', ''],
      [join('Ada', '1.jpg'), 'a photo'],
      [join('Ada', 'notes.txt'), 'a text'],
      [join('Ada', 'person.json'), '{}'],
    ] as const) {
      await writeFile(join(people, path), text);
    }
    const said = await Array.fromAsync(actions.import.run(refusing('none'), [people], flags));
    assert.deepEqual(
      said.filter((line) => line.startsWith('Skipped: ')).map((line) => line.slice(9)),
      [
        `${join(people, 'Ada', 'notes.txt')} is no photo.`,
        `${join(people, 'Ada', 'older')} is a folder in a person's folder.`,
        `${join(people, 'list.csv')} is no folder of a person.`,
        `${join(people, 'loose.jpg')} is not in a person's folder.`,
      ],
    );
  });

  it('photos says which settings are missing, and makes no folder', async () => {
    const env = { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' };
    const program = fileURLToPath(new URL('../../elastic-face.ts', import.meta.url));
    const failed = await new Promise<string>((resolve) => {
      const args = [program, 'people', 'photos', join(folder, 'kept')];
      execFile(process.execPath, args, { env, cwd: folder }, (_error, _said, text) =>
        resolve(text),
      );
    });
    assert.match(failed, /^Kept photos are read from the people bucket.*PROJECT_ID.*\n$/);
    assert.equal((await readdir(folder)).includes('kept'), false);
  });
});
