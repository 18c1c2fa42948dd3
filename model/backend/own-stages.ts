/** R-Net and O-Net by an addon of the project: in less than half the time of the networks, with other roundings. */
import { joinRows } from '../detect/boxes.ts';
import { loadOwnAddon } from '../native/own-addons.ts';
import { OWN_ANSWER_VALUES, type OwnAnswers, type OwnStages } from '../networks.ts';
import { detectionWeights } from './detection-weights.ts';

type Prepare = (weights: Float32Array) => Uint8Array;
type Answer = (
  prepared: Uint8Array,
  crops: Float32Array,
  count: number,
  answers: Float32Array,
) => void;

/** All are absent on a processor without the instructions. */
interface StagesAddon {
  readonly prepareRefinement?: Prepare;
  readonly refine?: Answer;
  readonly prepareConfirmation?: Prepare;
  readonly confirm?: Answer;
}

/** The layers of a network in the order in which the addon reads them. */
interface Layers {
  readonly convolutions: number;
  readonly dense: number;
  /** Outputs of the first convolution. */
  readonly first: number;
  readonly heads: readonly string[];
}

const R_NET: Layers = { convolutions: 3, dense: 4, first: 28, heads: ['dense5_1', 'regression'] };
const O_NET: Layers = {
  convolutions: 4,
  dense: 5,
  first: 32,
  heads: ['dense6_1', 'regression', 'landmarks'],
};

const COLOURS = 3;
const FIELD = 3;

/** @returns undefined if the addon was not compiled, or if this processor lacks AVX-512 with VNNI */
export function openOwnStages(directory: string): OwnStages | undefined {
  const addon = loadOwnAddon<StagesAddon>('sieve');
  const { prepareRefinement, refine, prepareConfirmation, confirm } = addon ?? {};
  if (!prepareRefinement || !refine || !prepareConfirmation || !confirm) return undefined;
  const refined = weightsOf(directory, 'rnet', R_NET);
  const confirmed = weightsOf(directory, 'onet', O_NET);
  if (refined === undefined || confirmed === undefined) return undefined;
  return {
    refine: answering(refine, prepareRefinement(refined)),
    confirm: answering(confirm, prepareConfirmation(confirmed)),
  };
}

function answering(answer: Answer, prepared: Uint8Array): OwnAnswers {
  return (crops, count) => {
    const answers = new Float32Array(count * OWN_ANSWER_VALUES);
    answer(prepared, crops, count, answers);
    return answers;
  };
}

function weightsOf(
  directory: string,
  network: string,
  { convolutions, dense, first, heads }: Layers,
): Float32Array | undefined {
  const layers = Array.from({ length: convolutions }, (_, at) => at + 1);
  const names = [
    ...layers.flatMap((layer) => [
      `conv${layer}/filter`,
      `conv${layer}/bias`,
      `prelu${layer}/slope`,
    ]),
    ...[`dense${dense}/matrix`, `dense${dense}/bias`, `prelu${dense}/slope`],
    ...heads.flatMap((head) => [`${head}/matrix`, `${head}/bias`]),
  ];
  const weights = detectionWeights(
    directory,
    names.map((name) => `${network}/${name}`),
  );
  if (weights === undefined) return undefined;
  const [filter, bias, slope, ...later] = weights;
  const one = [ofOnePixel(filter!, first), bias!.subarray(0, first), slope!.subarray(0, first)];
  return joinRows([...one, ...later]);
}

/**
 * The model's first filter takes two pixels at once.
 * @param paired [3, 2, 2 · colours, 2 · outputs]
 * @returns [3, 3, colours, outputs]
 */
function ofOnePixel(paired: Float32Array, outputs: number): Float32Array {
  const filter = new Float32Array(FIELD * FIELD * COLOURS * outputs);
  for (let y = 0; y < FIELD; y++) {
    for (let at = 0; at < FIELD * COLOURS; at++) {
      const from = (y * 4 * COLOURS + at) * 2 * outputs;
      filter.set(paired.subarray(from, from + outputs), (y * FIELD * COLOURS + at) * outputs);
    }
  }
  return filter;
}
