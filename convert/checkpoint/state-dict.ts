/**
 * A network's parameters out of what a file holds: bare, or wrapped in what training programs put around
 * them. Knows no file layout and no network.
 */
import { quote, refuse } from './fault.ts';
import { PickleDict, type PickleValue, TensorValue } from './pickle/pickle-values.ts';
import type { StateDict, Tensor } from './tensor.ts';

/** What training programs call a state dict beside others, such as an average of it. */
const USUAL_KEYS = ['state_dict', 'model_state_dict', 'model'];

/**
 * Takes one dict around the state dict away.
 * @throws {CheckpointFault} when there is no state dict, or several
 */
export function stateDictFrom(value: PickleValue): StateDict {
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of tensorsOf(value) ?? unwrapped(value)) {
    tensors.set(name, tensor.read());
  }
  return tensors;
}

type Tensors = ReadonlyMap<string, TensorValue>;

/** The tensors by their names; undefined where there is anything else. */
function tensorsOf(value: PickleValue | undefined): Tensors | undefined {
  if (!(value instanceof PickleDict) || value.size === 0) return undefined;
  const tensors = new Map<string, TensorValue>();
  for (const [name, tensor] of value) {
    if (typeof name !== 'string' || !(tensor instanceof TensorValue)) return undefined;
    tensors.set(name, tensor);
  }
  return tensors;
}

function unwrapped(value: PickleValue): Tensors {
  if (!(value instanceof PickleDict)) {
    return refuse('it does not hold a state dict: save module.state_dict(), not the module');
  }
  const inner = new Map<string | number, Tensors>();
  for (const [name, one] of value) {
    const tensors = tensorsOf(one);
    if (tensors !== undefined) inner.set(name, tensors);
  }
  const usual = USUAL_KEYS.find((key) => inner.has(key));
  const [only] = inner.size === 1 ? inner.values() : [];
  const found = only ?? (usual === undefined ? undefined : inner.get(usual));
  if (found !== undefined) return found;
  if (inner.size > 1) {
    const names = [...inner.keys()].map((name) => quote(String(name))).join(', ');
    return refuse(`it holds several state dicts (${names}): save the one of the network alone`);
  }
  const [odd] = [...value].find(([, one]) => !(one instanceof TensorValue)) ?? [];
  const why = odd === undefined ? '' : `, for ${quote(String(odd))} is not a tensor`;
  return refuse(`it does not hold a state dict${why}: save module.state_dict() alone`);
}
