/** The targets of `bench inference` beside the measured values. Pure. */
import type { PartyId } from '../party-program.ts';
import type { PartyResult, Results } from './results.ts';
import { ratio } from './results.ts';

export interface Figure {
  readonly figure: string;
  readonly asked: string;
  readonly measured: string;
  readonly verdict: 'met' | 'missed' | 'not on this processor' | 'not measured';
}

/** @param value at most, or with `least` at least, `limit` */
export interface Measured {
  readonly value: number | undefined;
  readonly limit: number;
  readonly least?: boolean;
  readonly format?: (value: number) => string;
  /** Only on processors with bfloat16 instructions. */
  readonly bfloat16?: boolean;
}

const times = (value: number): string => value.toFixed(2);
export const megabytes = (value: number): string => `${(value / 1e6).toFixed(0)} MB`;
const seconds = (value: number): string => `${(value / 1000).toFixed(2)} s`;

export function askedFigures(results: Results): Figure[] {
  const of = (id: PartyId): PartyResult | undefined => results.parties.find((one) => one.id === id);
  const encoder = (id: PartyId, other: PartyId, count: number) =>
    ratio(of(id)?.encoder[count], of(other)?.encoder[count]);
  const worst = (...values: (number | undefined)[]) =>
    values.some((value) => value === undefined) ? undefined : Math.max(...(values as number[]));
  const judge = (figure: string, measured: Measured): Figure => judged(figure, measured, results);
  const whole = (id: PartyId, set: 'course' | 'small' | 'large') =>
    ratio(of(id)?.photos[set]?.whole, of('torch-float32')?.photos[set]?.whole);
  const batched = (id: PartyId, set: 'course' | 'small') =>
    ratio(of(id)?.batched[set], of('torch-float32')?.photos[set]?.whole);
  const best = (party: PartyId): number | undefined => {
    const all = results.throughput.filter((one) => one.party === party);
    return all.length === 0 ? undefined : Math.max(...all.map(({ photos }) => photos));
  };
  const bfloat16 = true;
  const { worker, disk, float16, coldStart, gallery } = results;
  const onDisk = Object.values(disk).reduce((sum, bytes) => sum + bytes, 0);
  return [
    judge('encoder, one face, against PyTorch', {
      value: encoder('own-float32', 'torch-float32', 1),
      limit: 0.65,
    }),
    judge('encoder, one face, against onnxruntime', {
      value: encoder('own-float32', 'onnxruntime-float32', 1),
      limit: 1.1,
    }),
    judge('encoder, batch of 4, against onnxruntime', {
      value: encoder('own-float32', 'onnxruntime-float32', 4),
      limit: 1.1,
    }),
    judge('encoder in bfloat16, batches of 4 and 10, against PyTorch float32', {
      value: worst(
        encoder('own-bfloat16', 'torch-float32', 4),
        encoder('own-bfloat16', 'torch-float32', 10),
      ),
      limit: 0.2,
      bfloat16,
    }),
    judge('encoder in bfloat16, batches of 4 and 10, against PyTorch’s autocast', {
      value: worst(
        encoder('own-bfloat16', 'torch-bfloat16', 4),
        encoder('own-bfloat16', 'torch-bfloat16', 10),
      ),
      limit: 0.65,
      bfloat16,
    }),
    stated(
      'encoder in bfloat16, batch of 4, against OpenVINO bfloat16',
      encoder('own-bfloat16', 'openvino-bfloat16', 4),
      results,
    ),
    judge('encoder in bfloat16, one face, against PyTorch float32', {
      value: encoder('own-bfloat16', 'torch-float32', 1),
      limit: 0.35,
      bfloat16,
    }),
    namesFigure(results),
    judge('whole, 64x64 course photos, float32, against facenet-pytorch', {
      value: whole('own-float32', 'course'),
      limit: 0.55,
    }),
    judge('whole, 64x64 course photos, bfloat16 in batches', {
      value: batched('own-bfloat16', 'course'),
      limit: 0.25,
      bfloat16,
    }),
    judge('whole, 250x250 photos, float32', {
      value: whole('own-float32', 'small'),
      limit: 0.55,
    }),
    judge('whole, 250x250 photos, bfloat16 in batches', {
      value: batched('own-bfloat16', 'small'),
      limit: 0.3,
      bfloat16,
    }),
    judge('whole, 2-megapixel photos, float32', {
      value: whole('own-float32', 'large'),
      limit: 0.25,
    }),
    judge('whole, 2-megapixel photos, bfloat16', {
      value: whole('own-bfloat16', 'large'),
      limit: 0.25,
      bfloat16,
    }),
    judge('cold start to first answer, against the Python script', {
      value: ratio(coldStart.own, coldStart.python),
      limit: 0.4,
    }),
    judge('one worker at work, all its processes, resident', {
      value: worker.memory?.resident,
      limit: 650e6,
      format: megabytes,
    }),
    judge('one worker at work, all its processes, private', {
      value: worker.memory?.private,
      limit: 350e6,
      format: megabytes,
    }),
    judge('from the start of a worker to ready', {
      value: worker.readyMs,
      limit: 1200,
      format: seconds,
    }),
    judge('wasm encoder, against tfjs wasm on an unfolded graph', {
      value: encoder('own-wasm', 'tfjs-wasm-unfolded', 1),
      limit: 0.85,
    }),
    judge('model on disk, all precisions', {
      value: onDisk || undefined,
      limit: 145e6,
      format: megabytes,
    }),
    judge('float32 set stored as float16, on disk', {
      value: float16.bytes,
      limit: 48e6,
      format: megabytes,
    }),
    judge('float32 set stored as float16, distances moved by', {
      value: float16.distance,
      limit: 1e-3,
      format: (value) => value.toExponential(1),
    }),
    judge('photos a second on 2 cores, float32, against two PyTorch processes', {
      value: ratio(best('own-float32'), best('torch-float32')),
      limit: 1.9,
      least: true,
    }),
    judge('photos a second on 2 cores, bfloat16, against two PyTorch processes', {
      value: ratio(best('own-bfloat16'), best('torch-float32')),
      limit: 4,
      least: true,
      bfloat16,
    }),
    judge('exact matching among 1e5 people, of the time of one embedding', {
      value: ratio(
        slowest(gallery.filter(({ people }) => people === 1e5)),
        worstless(of('own-float32')?.encoder[1], of('own-bfloat16')?.encoder[1]),
      ),
      limit: 1,
    }),
  ];
}

/** Over all generated galleries, and over faces in them and others. */
function slowest(costs: Results['gallery']): number | undefined {
  if (costs.length === 0) return undefined;
  return Math.max(...costs.flatMap(({ known, strangers }) => [known, strangers]));
}

/** The fastest of the measured parties. */
function worstless(...values: (number | undefined)[]): number | undefined {
  const there = values.filter((value) => value !== undefined);
  return there.length === 0 ? undefined : Math.min(...there);
}

export function judged(
  figure: string,
  { value, limit, least = false, format = times, bfloat16 = false }: Measured,
  { machine }: Pick<Results, 'machine'>,
): Figure {
  const asked = `at ${least ? 'least' : 'most'} ${format(limit)}`;
  const measured = value === undefined ? '' : format(value);
  if (bfloat16 && !machine.bfloat16) {
    return { figure, asked, measured, verdict: 'not on this processor' };
  }
  if (value === undefined) return { figure, asked, measured, verdict: 'not measured' };
  const met = least ? value >= limit : value <= limit;
  return { figure, asked, measured, verdict: met ? 'met' : 'missed' };
}

function stated(figure: string, value: number | undefined, { machine }: Results): Figure {
  const unmet = machine.bfloat16 ? 'not measured' : 'not on this processor';
  return {
    figure,
    asked: 'stated',
    measured: value === undefined ? '' : times(value),
    verdict: value === undefined || !machine.bfloat16 ? unmet : 'met',
  };
}

/** Answers do not depend on the processor: slow bfloat16 gives the same names as fast bfloat16. */
function namesFigure({ names, machine }: Results): Figure {
  const figure = 'names in bfloat16 against float32';
  const asked = 'the same on every photo';
  if (names === undefined) {
    const verdict = machine.bfloat16 ? 'not measured' : 'not on this processor';
    return { figure, asked, measured: '', verdict };
  }
  const share = ((100 * names.twice) / names.photos).toFixed(0);
  return {
    figure,
    asked,
    measured: `${names.same} of ${names.photos}, ${share} % embedded twice`,
    verdict: names.same === names.photos ? 'met' : 'missed',
  };
}
