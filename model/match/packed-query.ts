/** An embedding that is searched for, as two vectors of int8: a coarse one and one for what that leaves out. */

const INT8_MOST = 127;

/** a = scale·whole + fineScale·fine, and what they leave out. */
export interface PackedQuery {
  readonly whole: Int8Array;
  readonly fine: Int8Array;
  readonly scale: number;
  readonly fineScale: number;
  /** Sums of the whole numbers. */
  readonly sum: number;
  readonly fineSum: number;
  /** |a − scale·whole|, and what is left with `fine` too. */
  readonly wholeLoss: number;
  readonly loss: number;
}

export function packQuery(a: Float32Array): PackedQuery {
  const [whole, fine] = [new Int8Array(a.length), new Int8Array(a.length)];
  const scale = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / INT8_MOST;
  const fineScale = scale / (2 * INT8_MOST);
  const factor = scale === 0 ? 0 : 1 / scale;
  const fineFactor = scale === 0 ? 0 : 1 / fineScale;
  const of = { sum: 0, fineSum: 0, wholeLoss: 0, loss: 0 };
  for (let at = 0; at < a.length; at++) {
    whole[at] = Math.round(a[at]! * factor);
    const left = a[at]! - scale * whole[at]!;
    fine[at] = Math.round(left * fineFactor);
    of.sum += whole[at]!;
    of.fineSum += fine[at]!;
    of.wholeLoss += left ** 2;
    of.loss += (left - fineScale * fine[at]!) ** 2;
  }
  const { sum, fineSum } = of;
  const wholeLoss = Math.sqrt(of.wholeLoss);
  return { whole, fine, scale, fineScale, sum, fineSum, wholeLoss, loss: Math.sqrt(of.loss) };
}
