/** What odds promise is what is then seen, and their inverse is exact. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encoderKinds } from '../format.ts';
import { GalleryMatcher } from '../match/gallery-matcher.ts';
import { noise, unitVectors } from '../match/vectors.fixture.ts';
import { calibrate, shareWithin } from './calibration.ts';
import { DEFAULT_CALIBRATIONS, MOST_ODDS, Odds, toldOdds } from './odds.ts';
import { sampleGallery } from './sample.ts';

/** Distances whose share within d is d^power, up to 1. */
function drawn(count: number, power: number, seed: number): Float64Array {
  const values = noise(seed);
  return new Float64Array(count).map(() => ((values.next().value! + 1) / 2) ** (1 / power));
}

test('the tail of drawn distances is found, far below the nearest that was drawn', () => {
  const calibration = calibrate(drawn(20_000, 12, 7), 200)!;
  assert.ok(Math.abs(calibration.power - 12) < 1.5, `${calibration.power}`);
  for (const share of [0.5, 0.1, 0.01, 1e-4, 1e-6]) {
    const found = shareWithin(calibration, share ** (1 / 12));
    assert.ok(found > share / 2 && found < share * 2, `${share}: ${found}`);
  }
});

test('strangers come as near as promised, about once in as many', () => {
  const odds = new Odds([calibrate(drawn(5000, 12, 11), 100)!]);
  for (const people of [1, 10, 90]) {
    for (const promised of [10, 100, 1000]) {
      const limit = odds.distanceAt(promised, people);
      const strangers = 40 * promised;
      const draws = drawn(strangers * people, 12, 13);
      let seen = 0;
      for (let from = 0; from < draws.length; from += people) {
        if (draws.subarray(from, from + people).some((distance) => distance <= limit)) seen++;
      }
      const ratio = (seen * promised) / strangers;
      assert.ok(ratio > 0.5 && ratio < 2, `${people} people, 1 in ${promised}: ${ratio}`);
    }
  }
});

test('too few distances, or only those of one face under several names, are no calibration', () => {
  assert.equal(calibrate(drawn(99, 12, 3), 14), undefined);
  assert.equal(calibrate(new Float64Array(200), 20), undefined);
});

test('one person entered under two names moves the tail little', () => {
  const clean = calibrate(drawn(4000, 12, 5), 90)!;
  const twice = calibrate(Float64Array.from([...drawn(3999, 12, 5), 0]), 90)!;
  assert.ok(twice.power > clean.power * 0.8);
});

for (const kind of encoderKinds) {
  const odds = new Odds([DEFAULT_CALIBRATIONS[kind]]);

  test(`${kind}: odds fall with the distance and with the number of people`, () => {
    const distance = fc.double({ min: 0, max: 2, noNaN: true });
    const people = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(distance, distance, people, people, (a, b, n, m) => {
        const [near, far] = [Math.min(a, b), Math.max(a, b)];
        assert.ok(odds.of(near, n) >= odds.of(far, n));
        assert.ok(odds.of(a, Math.min(n, m)) >= odds.of(a, Math.max(n, m)));
        assert.ok(odds.of(a, n) >= 1 && odds.of(a, n) <= MOST_ODDS);
      }),
    );
  });

  test(`${kind}: a distance of given odds has them, and none beyond it`, () => {
    for (const people of [1, 4, 90, 1_000_000]) {
      for (const wanted of [1.5, 10, 1000, 1e6]) {
        const distance = odds.distanceAt(wanted, people);
        assert.ok(odds.of(distance, people) >= wanted);
        assert.ok(odds.of(distance * 1.0001, people) < wanted);
      }
    }
    assert.equal(odds.distanceAt(1, 90), Number.POSITIVE_INFINITY);
  });

  test(`${kind}: two photos are judged as a gallery of one person with one photo`, () => {
    assert.equal(odds.ofPair(0.5), odds.of(0.5, 1));
    assert.equal(odds.pairDistanceAt(1000), odds.distanceAt(1000, 1));
  });
}

test('the same photo is sure, and nobody is near an empty gallery', () => {
  const odds = new Odds([DEFAULT_CALIBRATIONS.facenet]);
  assert.equal(odds.of(0, 90), MOST_ODDS);
  assert.equal(odds.of(1.5, 0), MOST_ODDS);
});

test('odds have three figures, rounded down', () => {
  assert.deepEqual([1, 1.004, 3.268, 42, 999.9, 1000, 1604.7, 647_780.5, MOST_ODDS].map(toldOdds), [
    1,
    1,
    3.26,
    42,
    999,
    1000,
    1600,
    647_000,
    MOST_ODDS,
  ]);
});

/** People with several faces each, a step apart. */
function peopleOf(count: number, faces: number, step: number) {
  const [centres, steps] = [unitVectors(count, 17), unitVectors(count * faces, 19)];
  const embeddings = steps.map((value, at) => {
    const person = Math.floor(at / 512 / faces);
    return centres[person * 512 + (at % 512)]! + step * value;
  });
  const names = Array.from({ length: count * faces }, (_, row) => `p${Math.floor(row / faces)}`);
  return GalleryMatcher.of({ names, embeddings });
}

test('a gallery is measured from 15 people on, the same way each time', () => {
  assert.equal(sampleGallery(peopleOf(14, 1, 0)).calibration, undefined);
  const sample = sampleGallery(peopleOf(40, 1, 0));
  assert.equal(sample.calibration?.people, 40);
  assert.deepEqual(sampleGallery(peopleOf(40, 1, 0)), sample);
});

test('several alike faces of a person are little more than one try, different ones are more', () => {
  const tries = (step: number): number => sampleGallery(peopleOf(60, 4, step)).tries;
  assert.ok(tries(0.01) < 1.3, `${tries(0.01)}`);
  assert.ok(tries(2) > 2 && tries(2) <= 4, `${tries(2)}`);
  assert.equal(sampleGallery(peopleOf(4, 3, 0.1)).tries, 3, 'unknown: each counts');
});

test('the sample of a large gallery is bounded', () => {
  const large = peopleOf(2000, 1, 0);
  assert.equal(sampleGallery(large).calibration?.people, 300);
});
