/** What the stages ask the networks when a photo is decided again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternImage } from '../image/pattern.fixture.ts';
import { type CascadeNetworks, confirmFaces } from './cascade.ts';
import type { Proposals } from './proposals.ts';
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
const three = [10, 90, 50, 130];

test('O-Net is asked about new boxes only where its rounding is the same for every number of crops', () => {
  const asked = { refine: [], output: [] as number[] };
  const networks = { ...networksThatCount(asked), roundsAlike: true };
  const said = new StageAnswers();
  confirmFaces(networks, photo, [proposals(one, two)], said);
  const more = [proposals(one, two, three, [100, 5, 140, 45])];
  const again = confirmFaces(networks, photo, more, said);
  assert.deepEqual(asked.output, [2, 2]);
  assert.deepEqual(again, confirmFaces(networks, photo, more));
  assert.deepEqual(asked.output, [2, 2, 4]);
});

test('no call of O-Net for several boxes gets one crop only', () => {
  const asked = { refine: [], output: [] as number[] };
  const networks = { ...networksThatCount(asked), roundsAlike: true };
  const said = new StageAnswers();
  confirmFaces(networks, photo, [proposals(one)], said);
  confirmFaces(networks, photo, [proposals(one, two)], said);
  confirmFaces(networks, photo, [proposals(one, two, three)], said);
  assert.deepEqual(asked.output, [1, 2, 2]);
});
