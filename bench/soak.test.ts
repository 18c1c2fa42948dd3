import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSamples, growth, type Sample, type Samples, slope } from './soak.ts';

test('a slope is that of the line that fits best', () => {
  assert.equal(slope([]), 0);
  assert.equal(slope([[1, 5]]), 0);
  assert.ok(
    Math.abs(
      slope([
        [0, 1],
        [1, 3],
        [2, 5],
      ]) - 2,
    ) < 1e-12,
  );
  assert.ok(
    Math.abs(
      slope([
        [0, 1],
        [1, 0],
        [2, 1],
        [3, 0],
      ]) + 0.2,
    ) < 1e-12,
  );
});

test('what grows by a megabyte or a descriptor a minute after the warm-up is reported, and nothing else', () => {
  const series = (mb: (minute: number) => number, fds: (minute: number) => number): Sample[] =>
    Array.from({ length: 30 }, (_, minute) => {
      return { minute, residentMb: mb(minute), descriptors: fds(minute) };
    });
  const samples: Samples = new Map([
    [
      'flat',
      series(
        (m) => 200 + (m % 2),
        () => 30,
      ),
    ],
    [
      'warming',
      series(
        (m) => 200 + Math.min(m, 10) * 20,
        () => 30,
      ),
    ],
    [
      'leaking',
      series(
        (m) => 200 + m * 1.1,
        () => 30,
      ),
    ],
    [
      'hoarding',
      series(
        () => 200,
        (m) => 30 + 2 * m,
      ),
    ],
    [
      'gone',
      series(
        () => 1,
        () => 1,
      ).slice(0, 5),
    ],
  ]);
  const flat = growth(samples, 10).map(({ service, isFlat }) => [service, isFlat]);
  assert.deepEqual(flat, [
    ['flat', true],
    ['warming', true],
    ['leaking', false],
    ['hoarding', false],
  ]);
});

test('a process that is no service is not sampled', async () => {
  const samples: Samples = new Map();
  await addSamples(samples, process.pid, 0);
  assert.deepEqual([...samples.keys()], []);
});
