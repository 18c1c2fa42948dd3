/** The fold of segments: later records win, removed ones are left out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldSegments, LEFT_OUT } from './load.ts';
import { face, person } from './people.fixture.ts';
import type { FaceMeta, PersonRecord } from './records.ts';
import { FaceColumns } from './segments/face-columns.ts';

function segment(people: PersonRecord[], faces: FaceMeta[]) {
  return { people, faces: FaceColumns.from(faces.length, (index) => faces[index]!) };
}

const [ada, bob] = [person('Ada'), person('Bob')];
const [a, b] = [face(ada), face(bob)];

test('a person and a face of a later segment replace the earlier ones, in their place', () => {
  const renamed = { ...ada, name: 'Ada L.' };
  const fold = foldSegments({ removed: [] }, [
    segment([ada, bob], [a, b]),
    segment([renamed], [{ ...b, person: ada.id }]),
  ]);
  assert.deepEqual(fold.people, [renamed, bob]);
  assert.deepEqual(
    fold.personOf.map((of) => [...of]),
    [[0, LEFT_OUT], [0]],
  );
  assert.equal(fold.faces, 2);
});

test('removed people go with their faces, and removed faces alone', () => {
  const all = segment([ada, bob], [a, b, face(bob)]);
  assert.deepEqual([...foldSegments({ removed: [ada.id] }, [all]).personOf[0]!], [LEFT_OUT, 0, 0]);
  const fold = foldSegments({ removed: [b.id] }, [all]);
  assert.deepEqual([...fold.personOf[0]!], [0, LEFT_OUT, 1]);
  assert.equal(fold.faces, 2);
});

test('a face may belong to a person of any other segment; of nobody, it is left out', () => {
  const fold = foldSegments({ removed: [] }, [
    segment([], [a, face(person('nobody'))]),
    segment([ada], []),
  ]);
  assert.deepEqual([...fold.personOf[0]!], [0, LEFT_OUT]);
});

test('any segments fold as putting their records into maps, one after the other, does', () => {
  const people = Array.from({ length: 4 }, (_, i) => person(`P${i}`));
  const faces = Array.from({ length: 8 }, () => face(ada));
  const one = fc.record({
    people: fc.subarray(people),
    faces: fc.uniqueArray(fc.tuple(fc.nat(7), fc.nat(3)), { selector: ([index]) => index }),
  });
  const removed = fc.subarray([...people, ...faces].map(({ id }) => id));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), removed, (parts, gone) => {
      const latest = new Map<string, string>();
      const there = new Set<string>();
      const segments = parts.map((part) => {
        const own = part.faces.map(([index, of]) => ({ ...faces[index]!, person: people[of]!.id }));
        for (const { id, person: of } of own) latest.set(id, of);
        for (const { id } of part.people) there.add(id);
        return segment(part.people, own);
      });
      for (const id of gone) {
        latest.delete(id);
        there.delete(id);
      }
      for (const [id, of] of latest) if (!there.has(of)) latest.delete(id);
      const fold = foldSegments({ removed: gone }, segments);
      const found = new Map<string, string>();
      for (const [s, of] of fold.personOf.entries()) {
        for (const [i, who] of of.entries()) {
          if (who === LEFT_OUT) continue;
          const { id } = segments[s]!.faces.at(i);
          assert.ok(!found.has(id), 'a face was found twice');
          found.set(id, fold.people[who]!.id);
        }
      }
      assert.deepEqual(found, new Map([...found.keys()].map((id) => [id, latest.get(id)])));
      assert.equal(found.size, latest.size);
      assert.equal(fold.faces, latest.size);
      assert.deepEqual(new Set(fold.people.map(({ id }) => id)), there);
    }),
  );
});
