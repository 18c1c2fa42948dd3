import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { decodeImage } from '../decode/decode.ts';
import { type DrawnFace, drawFaces } from './draw.ts';
import { DrawingFolder } from './drawing-folder.ts';

const GREY = 0x80;

function photo(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#808080' } })
    .png()
    .toBuffer();
}

function face(name: string, [x1, y1, x2, y2]: [number, number, number, number]): DrawnFace {
  const at = (x: number, y: number) => [x1 + (x2 - x1) * x, y1 + (y2 - y1) * y] as const;
  return {
    box: [x1, y1, x2, y2],
    landmarks: [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)],
    nearest: name === '' ? [] : [{ name, distance: 0.5 }],
  };
}

async function drawn(faces: DrawnFace[], width = 400, height = 300) {
  const bytes = await drawFaces(await photo(width, height), faces, { orient: true, format: 'png' });
  const image = await decodeImage(bytes);
  const at = (x: number, y: number): number[] => {
    const first = (y * image.width + x) * 3;
    return [...image.data.subarray(first, first + 3)];
  };
  /** Pixels in a part of the photo that `is` says yes to. */
  const count = (
    [x1, y1, x2, y2]: number[],
    is: (red: number, green: number, blue: number) => boolean,
  ): number => {
    let found = 0;
    for (let y = y1!; y < y2!; y++) {
      for (let x = x1!; x < x2!; x++) {
        const [red = 0, green = 0, blue = 0] = at(x, y);
        if (is(red, green, blue)) found++;
      }
    }
    return found;
  };
  return { width: image.width, height: image.height, at, count };
}

const isGreen = (red: number, green: number): boolean => green > 200 && red < 60;
const isBlack = (red: number, green: number, blue: number): boolean => red + green + blue < 90;
const isGrey = (...values: number[]): boolean => values.every((value) => value === GREY);

describe('a drawn photo', () => {
  it('has the box, the landmarks and the name, and is else as it was', async () => {
    const { at, count, width, height } = await drawn([face('Paul', [100, 80, 200, 200])]);
    assert.deepEqual([width, height], [400, 300]);
    for (const [x, y] of [
      [100, 150],
      [200, 150],
      [150, 200],
      [130, 128],
      [150, 152],
    ] as const) {
      assert.ok(isGreen(...(at(x, y) as [number, number])), `${x}, ${y}: ${at(x, y)}`);
    }
    assert.ok(count([95, 50, 200, 79], isBlack) > 30, 'letters above the box');
    assert.ok(isGrey(...at(150, 100)) && isGrey(...at(20, 20)) && isGrey(...at(300, 250)));
  });

  it('names differ, letters of markup are letters, and no name is no label', async () => {
    const blackOf = async (name: string): Promise<number> =>
      (await drawn([face(name, [50, 80, 390, 290])])).count([0, 40, 400, 80], isBlack);
    const [paul, markup, hostile, none, blank] = await Promise.all(
      ['Paul', '<b>&amp;</b>', '</span><span foreground="lime">', '', ' \u0000\n'].map(blackOf),
    );
    assert.ok(paul! > 30);
    assert.ok(markup! > paul!, 'twelve letters, not one');
    assert.ok(hostile! > markup!);
    assert.equal(none, 0);
    assert.equal(blank, 0);
  });

  it('a name stays within the photo, however long, and wherever its face', async () => {
    const name = 'A name that is much longer than its photo is wide';
    for (const box of [
      [-20, -10, 30, 40],
      [40, 40, 90, 90],
      [0, 0, 64, 64],
    ] as const) {
      const { count, width, height } = await drawn([face(name, [...box])], 64, 64);
      assert.deepEqual([width, height], [64, 64]);
      assert.ok(count([0, 0, 64, 64], isGreen) > 60);
    }
  });

  it('lines are thin on a small photo and seen on a large one', async () => {
    const small = await drawn([face('', [16, 16, 48, 48])], 64, 64);
    assert.equal(small.count([0, 32, 24, 33], (red, green) => green > red + 60) <= 2, true);
    const large = await drawn([face('', [400, 400, 800, 800])], 1600, 1200);
    const lines = large.count([350, 600, 450, 601], isGreen);
    assert.ok(lines >= 3 && lines <= 8, `${lines}`);
  });

  it('is upright, as its face was found', async () => {
    const lying = await sharp(await photo(40, 80))
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    for (const [orient, size] of [
      [true, [80, 40]],
      [false, [40, 80]],
    ] as const) {
      const bytes = await drawFaces(lying, [face('', [5, 5, 30, 30])], { orient, format: 'jpeg' });
      const { width, height, format, orientation } = await sharp(bytes).metadata();
      assert.deepEqual([width, height, format, orientation], [...size, 'jpeg', undefined]);
    }
  });

  it('has its name on a machine without any font', async () => {
    const box: [number, number, number, number] = [400, 320, 800, 800];
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-no-fonts-'));
    const config = join(folder, 'fonts.conf');
    await writeFile(config, '<?xml version="1.0"?><fontconfig></fontconfig>');
    const program = `
      import sharp from 'sharp';
      import { drawFaces } from ${JSON.stringify(new URL('./draw.ts', import.meta.url).href)};
      const grey = { create: { width: 1600, height: 1200, channels: 3, background: '#808080' } };
      const photo = await sharp(grey).png().toBuffer();
      const face = ${JSON.stringify(face('Paul', box))};
      process.stdout.write(await drawFaces(photo, [face], { orient: true, format: 'png' }));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', program],
      {
        cwd: import.meta.dirname,
        encoding: 'buffer',
        env: { ...process.env, FONTCONFIG_FILE: config, HOME: folder, XDG_DATA_HOME: folder },
      },
    );
    await rm(folder, { recursive: true });
    const label = async (bytes: Buffer): Promise<Buffer> =>
      sharp(bytes).extract({ left: 390, top: 220, width: 250, height: 90 }).raw().toBuffer();
    const labelHere = async (name: string): Promise<Buffer> => {
      const options = { orient: true, format: 'png' } as const;
      return label(await drawFaces(await photo(1600, 1200), [face(name, box)], options));
    };
    const there = await label(stdout);
    const differing = (other: Buffer): number =>
      there.filter((value, index) => Math.abs(value - other[index]!) > 100).length;
    // How edges are smoothed is the configuration's; which letters they are is not.
    const [same, another] = [
      differing(await labelHere('Paul')),
      differing(await labelHere('Pavl')),
    ];
    assert.ok(same < another / 2, `${same} and ${another} differ`);
  });
});

describe('the folder of drawn photos', () => {
  let folder: string;
  const faces = [face('Paul', [10, 10, 40, 40])];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elastic-face-drawn-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('keeps names, numbers equal ones, and makes PNG of what is no JPEG', async () => {
    const out = join(folder, 'new', 'out');
    const bytes = await photo(64, 64);
    const drawings = await DrawingFolder.open(out, []);
    for (const path of ['a/x.JPG', 'b/x.JPG', 'x.webp', 'y.png']) {
      await drawings.draw(path, bytes, faces, true);
    }
    assert.deepEqual((await readdir(out)).sort(), ['x-2.JPG', 'x.JPG', 'x.png', 'y.png']);
    assert.equal((await sharp(join(out, 'x.JPG')).metadata()).format, 'jpeg');
    assert.equal((await sharp(join(out, 'x.png')).metadata()).format, 'png');
  });

  it('never overwrites a photo that was named, not by another of its names either', async () => {
    const bytes = await photo(64, 64);
    await mkdir(join(folder, 'linked'));
    const path = join(folder, 'photo.png');
    await writeFile(path, bytes);
    await link(path, join(folder, 'linked', 'photo.png'));
    for (const into of [folder, join(folder, 'linked')]) {
      const drawings = await DrawingFolder.open(into, [path]);
      await assert.rejects(drawings.draw(path, bytes, faces, true), /would overwrite a photo/);
    }
    assert.deepEqual(await readFile(path), bytes);
    await assert.rejects(
      DrawingFolder.open(path, []),
      /--draw .* cannot be a folder .*name another/,
    );
  });
});
