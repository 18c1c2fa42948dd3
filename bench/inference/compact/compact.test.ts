import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { writeDocsPart } from '../../output.ts';
import { gatherSmallPhotos } from '../photos.ts';
import type { PartyResult } from '../report/results.ts';
import { type CompactResults, compactFigures, compactReport } from './report.ts';

const steps = (whole: number) => ({ decode: 1, detect: 2, embed: whole - 3, match: 0, whole });

function party(id: PartyResult['id'], photos: PartyResult['photos']): PartyResult {
  return { id, encoder: {}, photos, batched: {}, faces: {} };
}

const run: CompactResults = {
  date: '2026-01-01',
  machine: {
    processor: 'A processor',
    features: ['avx2'],
    cores: 2,
    memoryGb: 8,
    bfloat16: false,
    pinning: true,
  },
  threads: 1,
  quick: false,
  sets: [
    { name: 'course', label: 'course photos', photos: 10 },
    { name: 'small', label: 'small photos', photos: 1 },
    { name: 'samples', label: 'sample photos', photos: 3 },
  ],
  parties: [
    party('own-compact', { course: steps(16), small: steps(60), samples: steps(40) }),
    party('own-float32', { course: steps(64), small: steps(200), samples: steps(200) }),
    party('face-recognition', { course: steps(30), small: steps(200), samples: steps(160) }),
    { ...party('face-api-ssd', {}), skipped: 'npm cannot be reached' },
  ],
  photos: [
    {
      set: 'small',
      photo: 'a.jpg',
      faces: { 'own-compact': 1, 'face-recognition': 1 },
      whole: { 'own-compact': 40, 'face-recognition': 200 },
    },
    {
      set: 'samples',
      photo: 'b.jpg',
      faces: { 'own-compact': 1, 'face-recognition': 2 },
      whole: { 'own-compact': 60, 'face-recognition': 180 },
    },
    // No figure speaks of the others on 64x64.
    {
      set: 'course',
      photo: 'c.jpg',
      faces: { 'own-compact': 0, 'face-recognition': 1 },
      whole: { 'own-compact': 900, 'face-recognition': 1 },
    },
  ],
  worker: { memory: { resident: 449e6, proportional: 4e8, private: 3e8 } },
  disk: { 'encoder.bin': 6e6, 'detection.bin': 2e6 },
};

describe('the figures of the compact encoder', () => {
  const figure = (begin: string) =>
    compactFigures(run).find((one) => one.figure.startsWith(begin))!;

  it('compare photos of 250x250 with each peer, those with as many faces apart', () => {
    const measured = compactFigures(run)
      .filter(({ figure }) => figure.includes('photo, against face_recognition'))
      .map(({ measured, verdict }) => [measured, verdict]);
    // 40 of 200; 100 of 380
    assert.deepEqual(measured, [
      ['0.20', 'met'],
      ['0.26', 'missed'],
    ]);
  });

  it('compare 64x64 with facenet here', () => {
    const whole = figure('compact, whole 64x64 photo');
    assert.deepEqual([whole.measured, whole.verdict], ['0.25', 'met']);
  });

  it('count photos with fewer faces, not faces in all', () => {
    const fewer = compactFigures(run).find(({ figure }) =>
      figure.endsWith('fewer faces than face_recognition, dlib'),
    )!;
    assert.deepEqual([fewer.measured, fewer.verdict], ['1 of 2', 'missed']);
  });

  it('say that a peer could not be measured, and the report why', () => {
    const figures = compactFigures(run).filter(({ figure }) => figure.includes('SSD MobileNet'));
    assert.deepEqual(
      figures.map(({ verdict }) => verdict),
      ['not measured', 'not measured', 'not measured'],
    );
    assert.match(compactReport(run), /SSD MobileNet was left out: npm cannot be reached/);
  });

  it('judge the memory of a worker and the model on disk', () => {
    assert.equal(figure('one worker on compact').verdict, 'met');
    assert.equal(figure('compact model on disk').measured, '8 MB');
  });
});

describe('photos for the compact encoder', () => {
  it('are whole within the square', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-'));
    try {
      const wide = join(folder, 'wide.png');
      await sharp({ create: { width: 500, height: 250, channels: 3, background: 'red' } })
        .png()
        .toFile(wide);
      const sets = await gatherSmallPhotos(join(folder, 'made'), undefined, [wide]);
      const own = sets.find(({ name }) => name === 'own')!;
      const { data, info } = await sharp(own.paths[0]!).raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height], [250, 250]);
      const redAt = (x: number, y: number) => data[(y * 250 + x) * 3]! > 200;
      assert.deepEqual([redAt(2, 125), redAt(247, 125), redAt(125, 10)], [true, true, false]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a page that two benches write into', () => {
  it('keeps the part of the other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-'));
    try {
      const page = join(folder, 'page.md');
      const other = '<!-- figures -->\nothers\n<!-- /figures -->\n';
      await writeFile(page, `${other}<!-- compact -->\nold\n<!-- /compact -->\n`);
      await writeDocsPart(page, 'new', 'compact');
      assert.equal(
        await readFile(page, 'utf8'),
        `${other}<!-- compact -->\n\nnew\n<!-- /compact -->\n`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
