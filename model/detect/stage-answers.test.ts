/** What the stages ask the networks when a photo is decided again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternImage } from '../image/pattern.fixture.ts';
import { OWN_ANSWER_VALUES } from '../networks.ts';
import { type CascadeNetworks, confirmFaces } from './cascade.ts';
import type { Proposals } from './propose/proposals.ts';
import { StageAnswers } from './stage-answers.ts';

const photo = patternImage(200, 150);

/** Networks that hold every crop for a face, and tell how many they were given. */
function networksThatCount(asked: { refine: number[]; output: number[] }): CascadeNetworks {
  const faces = (count: number) => ({
    probability: Float32Array.from({ length: count * 2 }, (_, at) => (at % 2) * 0.9),
    regression: new Float32Array(count * 4),
  });
  return {
    propose: () => assert.fail('P-Net is not asked'),
    refine(_, count) {
      asked.refine.push(count);
      return faces(count);
    },
    output(_, count) {
      asked.output.push(count);
      return { ...faces(count), landmarks: new Float32Array(count * 10).fill(0.5) };
    },
  };
}

function proposals(...boxes: number[][]): Proposals {
  return {
    boxes: Float32Array.from(boxes.flat()),
    scores: Float32Array.from(boxes, () => 0.9),
    regression: new Float32Array(boxes.length * 4),
  };
}

test('a photo that is decided again asks R-Net about new windows alone', () => {
  const asked = { refine: [], output: [] };
  const networks = networksThatCount(asked);
  const said = new StageAnswers();
  confirmFaces(networks, photo, [proposals([10, 10, 60, 60], [10, 70, 60, 120])], said);
  // Each new one is a known one, moved along one side.
  const known = [10, 10, 60, 60];
  confirmFaces(networks, photo, [proposals(known, [110, 70, 160, 120], [110, 10, 160, 60])], said);
  assert.deepEqual(asked.refine, [2, 2]);
});

test('O-Net is asked again where its boxes are others, and only there', () => {
  const asked = { refine: [], output: [] };
  const networks = networksThatCount(asked);
  const said = new StageAnswers();
  const both = [proposals([10, 10, 60, 60], [100, 70, 150, 120])];
  const first = confirmFaces(networks, photo, both, said);
  assert.deepEqual(confirmFaces(networks, photo, both, said), first);
  assert.deepEqual(asked.output, [2]);
  const moved = confirmFaces(
    networks,
    photo,
    [proposals([10, 10, 60, 60], [100, 70, 151, 121])],
    said,
  );
  assert.deepEqual(asked.output, [2, 2]);
  assert.notDeepEqual(moved, first);
  assert.deepEqual(confirmFaces(networks, photo, both), first);
  assert.deepEqual(asked.output, [2, 2, 2]);
});

const one = [10, 10, 60, 60];
const two = [100, 70, 150, 120];

/** Own kernels that answer every crop with these logits of a face, one after the other, and move no box. */
function ownStages(logits: { refine: number[]; confirm: number[] }, counts: number[]) {
  const answering = (faces: number[]) => (_: Float32Array, count: number) => {
    counts.push(count);
    const answers = new Float32Array(count * OWN_ANSWER_VALUES);
    // Offsets that end between two pixels.
    for (let at = 0; at < count; at++)
      answers.set([0, faces.shift()!, 0.01, 0.01, 0.01, 0.01], at * OWN_ANSWER_VALUES);
    return answers;
  };
  return { refine: answering(logits.refine), confirm: answering(logits.confirm) };
}

test('own kernels answer for new windows alone, and no network is asked where they are certain', () => {
  const asked = { refine: [], output: [] };
  const counts: number[] = [];
  const own = ownStages({ refine: [3, 4, 5], confirm: [2, 3, 4] }, counts);
  const networks = { ...networksThatCount(asked), ownStages: own };
  const said = new StageAnswers();
  const first = confirmFaces(networks, photo, [proposals(one, two)], said);
  assert.equal(first.scores.length, 2);
  confirmFaces(networks, photo, [proposals(one, two, [10, 90, 50, 130])], said);
  assert.deepEqual(counts, [2, 2, 1, 1]);
  assert.deepEqual(asked, { refine: [], output: [] });
});

test('a network settles a score at its threshold, of a single crop by two alike', () => {
  const asked = { refine: [] as number[], output: [] };
  const atThreshold = Math.log(0.7 / 0.3);
  const own = ownStages({ refine: [atThreshold, 4], confirm: [2, 3] }, []);
  const networks = { ...networksThatCount(asked), ownStages: own };
  confirmFaces(networks, photo, [proposals(one, two)]);
  assert.deepEqual(asked.refine, [2]);
});

test('networks settle the order of scores that differ in their last bits', () => {
  const asked = { refine: [], output: [] as number[] };
  const own = ownStages({ refine: [3, 4], confirm: [2, 2.00001] }, []);
  const networks = { ...networksThatCount(asked), ownStages: own };
  const { scores } = confirmFaces(networks, photo, [proposals(one, two)]);
  assert.deepEqual(asked.output, [2]);
  assert.deepEqual(scores, Float32Array.of(0.9, 0.9));
});
