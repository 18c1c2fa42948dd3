import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BenchError } from '../errors.ts';
import { parseRollup } from '../processes.ts';
import { type Circumstances, reasonToSkip } from './contestants.ts';
import { coresFor, parseProcessor } from './machine.ts';
import { parties } from './parties.ts';
import { type GraphModel, unfolded } from './party/graph-model.ts';
import { Peer } from './peer.ts';
import type { PhotoAnswer } from './protocol.ts';
import { drawResults } from './report/publish.ts';
import { report } from './report/report.ts';
import { median, type PartyResult, type Results, ratio } from './report/results.ts';
import { askedFigures } from './report/targets.ts';
import { stepsOf } from './rounds.ts';

const machine = {
  processor: 'A processor',
  features: ['avx2'],
  cores: 2,
  memoryGb: 8,
  bfloat16: false,
  pinning: true,
};

function party(id: PartyResult['id'], encoder: Record<number, number>): PartyResult {
  return { id, encoder, photos: {}, batched: {}, faces: {} };
}

function results(change: Partial<Results>): Results {
  return {
    date: '2026-01-01',
    machine,
    threads: 1,
    quick: false,
    sets: [],
    parties: [],
    coldStart: {},
    worker: {},
    disk: {},
    float16: {},
    throughput: [],
    gallery: [],
    ...change,
  };
}

describe('statistics', () => {
  it('take the middle, or the mean of the two middle ones', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 2, 100]), 3);
    assert.throws(() => median([]), RangeError);
  });

  it('have no ratio to what was not measured', () => {
    assert.equal(ratio(1, undefined), undefined);
    assert.equal(ratio(1, 4), 0.25);
  });

  it('cost a photo of a set the mean of the photos’ medians', () => {
    const answer = (detect: number): PhotoAnswer => ({
      timings: { decode: 1, detect, embed: 2, match: 0 },
      whole: detect + 3,
      faces: 1,
      name: 'Ann',
      distance: 0.5,
    });
    const steps = stepsOf([[answer(1), answer(3), answer(90)], [answer(5)]]);
    assert.deepEqual(steps, { decode: 1, detect: 4, embed: 2, match: 0, whole: 7 });
  });
});

describe('the figures that were asked for', () => {
  const verdictOf = (run: Results, figure: string) =>
    askedFigures(run).find((one) => one.figure.startsWith(figure))!;

  it('are met up to the limit, and missed beyond', () => {
    for (const [ours, verdict] of [
      [65, 'met'],
      [66, 'missed'],
    ] as const) {
      const run = results({
        parties: [party('own-float32', { 1: ours }), party('torch-float32', { 1: 100 })],
      });
      const figure = verdictOf(run, 'encoder, one face, against PyTorch');
      assert.deepEqual([figure.measured, figure.verdict], [(ours / 100).toFixed(2), verdict]);
    }
  });

  it('with a lower limit are missed below it', () => {
    const rate = (party: PartyResult['id'], photos: number) => ({
      label: party,
      party,
      processes: 2,
      threads: 1,
      photos,
    });
    const run = (ours: number) =>
      results({ throughput: [rate('own-float32', ours), rate('torch-float32', 10)] });
    const figure = 'photos a second on 2 cores, float32';
    assert.equal(verdictOf(run(19), figure).verdict, 'met');
    assert.equal(verdictOf(run(18), figure).verdict, 'missed');
  });

  it('say what this processor cannot do, and what was not measured', () => {
    const run = results({});
    assert.equal(verdictOf(run, 'encoder in bfloat16').verdict, 'not on this processor');
    assert.equal(verdictOf(run, 'cold start').verdict, 'not measured');
    const able = results({ machine: { ...machine, bfloat16: true } });
    assert.equal(verdictOf(able, 'encoder in bfloat16').verdict, 'not measured');
  });

  it('count a single other name as a miss', () => {
    const names = { photos: 10, same: 9, twice: 2, different: ['a.jpg'] };
    const figure = verdictOf(results({ names }), 'names in bfloat16');
    assert.deepEqual([figure.measured, figure.verdict], ['9 of 10, 20 % embedded twice', 'missed']);
  });
});

describe('the report', () => {
  const run = results({
    sets: [{ name: 'course', label: 'course photos', photos: 10 }],
    parties: [
      {
        ...party('own-float32', { 1: 50, 4: 160 }),
        photos: { course: { decode: 1, detect: 2, embed: 50, match: 0.01, whole: 53.01 } },
      },
      { ...party('openvino-float32', {}), skipped: 'no Python here' },
    ],
  });

  it('gives times a face, and why a party was left out', () => {
    const words = report(run);
    assert.match(words, /\| this project, float32 \| 50\.0 \| 40\.0 \|/);
    assert.match(words, /\| OpenVINO \|.*left out: no Python here \|/);
    assert.match(
      words,
      /\| course photos \| this project, float32 \| 1\.0 \| 2\.0 \| 50\.0 \| 0\.01 \|/,
    );
  });

  it('says what a party with another network found, or why it was left out', () => {
    const words = report(
      results({
        parties: [
          {
            ...party('face-recognition', {}),
            versions: 'dlib 20',
            accuracy: { photos: 4, found: 3, paired: 2, nearestRight: 1, ordered: 0.5 },
          },
          { ...party('face-api-wasm', {}), skipped: 'npm cannot be reached' },
        ],
      }),
    );
    assert.match(words, /\| face_recognition, dlib \| 3 of 4 \| 1 of 2 \| 50\.0 % \| dlib 20 \|/);
    assert.match(words, /wasm \|.*left out: npm cannot be reached \|/);
    assert.doesNotMatch(words, /\| face_recognition, dlib \| {2}\|/);
  });

  it('is drawn with a bar for each party that was measured', () => {
    const drawn = drawResults(run);
    assert.equal(drawn.match(/>this project, float32</g)?.length, 3);
    assert.doesNotMatch(drawn, /OpenVINO|NaN|undefined/);
  });
});

describe('a machine', () => {
  it('is described by its processor’s flags', () => {
    const { processor, flags } = parseProcessor(
      'processor\t: 0\nmodel name\t: Xeon\nflags\t\t: fpu avx2 amx_bf16\n\nprocessor\t: 1\n',
    );
    assert.equal(processor, 'Xeon');
    assert.ok(flags.has('amx_bf16') && !flags.has('avx512f'));
  });

  it('gives its last cores, unless all are asked for', () => {
    assert.equal(coresFor(machine, 1), '1');
    assert.equal(coresFor({ ...machine, cores: 8 }, 2), '6-7');
    assert.equal(coresFor(machine, 2), undefined);
  });

  it('tells resident, proportional and private memory apart', () => {
    const rollup =
      'Rss:      300 kB\nPss:      200 kB\nPrivate_Clean:  10 kB\nPrivate_Dirty: 90 kB\n';
    assert.deepEqual(parseRollup(rollup), {
      resident: 300 * 1024,
      proportional: 200 * 1024,
      private: 100 * 1024,
    });
  });
});

describe('a party', () => {
  it('is left out where it cannot run, with the reason, unless it was asked for', () => {
    const circumstances: Circumstances = {
      machine,
      places: { model: '/nowhere', checkpoint: '', threads: 1 },
      missing: { python: 'no Python' },
      asked: false,
      cores: undefined,
    };
    const reason = (id: string, asked = false) =>
      reasonToSkip(parties.find((one) => one.id === id)!, { ...circumstances, asked });
    assert.equal(reason('own-float32'), undefined);
    assert.equal(reason('torch-float32'), 'no Python');
    assert.match(reason('openvino-bfloat16') ?? '', /no bfloat16 instructions/);
    assert.equal(reason('openvino-bfloat16', true), 'no Python');
  });

  it('that dies is heard of with its last words', async () => {
    const script = `process.stdin.once('data', () => { throw new Error('out of luck') });
      console.log('noise'); console.log('@' + JSON.stringify({ ready: true, versions: 'one' }))`;
    const peer = new Peer('mortal', { command: process.execPath, args: ['-e', script] }, undefined);
    assert.equal(await peer.ready(), 'one');
    await assert.rejects(peer.ask({ do: 'photo', path: 'x.jpg' }), (error) => {
      assert.ok(error instanceof BenchError);
      assert.match(error.message, /mortal ended \(Error: out of luck\)/);
      return true;
    });
    await peer.close();
  });
});

describe('a graph that is not folded', () => {
  it('has its batch norm and its activation as layers again, under the same names', () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const model: GraphModel = {
      format: 'graph-model',
      modelTopology: {
        node: [
          {
            name: 'a',
            op: '_FusedConv2D',
            input: ['x', 'filter', 'bias'],
            attr: {
              strides: {},
              num_args: {},
              fused_ops: { list: { s: [base64('BiasAdd'), base64('Relu')] } },
            },
          },
        ],
      },
      weightSpecs: [{ name: 'bias', shape: [8], dtype: 'float32' }],
      weightData: new ArrayBuffer(32),
    };
    const { modelTopology, weightSpecs, weightData } = unfolded(model);
    const layers = modelTopology.node.filter(({ op }) => op !== 'Const');
    assert.deepEqual(
      layers.map(({ name, op, input }) => [name, op, input]),
      [
        ['a/unfolded', 'Conv2D', ['x', 'filter']],
        ['a/norm', 'FusedBatchNormV3', ['a/unfolded', 'one_8', 'bias', 'zero_8', 'one_8']],
        ['a', 'Relu', ['a/norm']],
      ],
    );
    assert.deepEqual(Object.keys(layers[0]!.attr), ['strides']);
    assert.equal(weightSpecs.length, 3);
    assert.equal(weightData.byteLength, 3 * 32);
  });
});

describe('a page', () => {
  it('gets the figures between its marks, and nothing else changes', async () => {
    const { writeDocsPart } = await import('../output.ts');
    const folder = await mkdtemp(join(tmpdir(), 'elastic-face-'));
    try {
      const page = join(folder, 'page.md');
      await writeFile(page, 'before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n');
      await writeDocsPart(page, 'new');
      const { readFile } = await import('node:fs/promises');
      assert.equal(
        await readFile(page, 'utf8'),
        'before\n<!-- figures -->\n\nnew\n<!-- /figures -->\nafter\n',
      );
      await writeFile(page, 'no marks');
      await assert.rejects(writeDocsPart(page, 'new'), BenchError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
