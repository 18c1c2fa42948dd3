/**
 * Reads PyTorch's .pt files, and safetensors, as plain data: a state dict, a gallery, or any value of lists, dicts and
 * tensors. Never runs anything a file asks for, and knows no network.
 */
import { readFile, stat } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';
import { messageOf } from '../../runtime/errors.ts';
import { CheckpointError, CheckpointFault, quote, refuse } from '../errors.ts';
import { type GalleryFile, galleryFrom } from '../gallery/gallery-file.ts';
import { readLegacyLayout } from './legacy-layout.ts';
import { PickleDict, type PickleValue, TensorValue } from './pickle/pickle-values.ts';
import { isSafetensors, readSafetensors } from './safetensors.ts';
import type { StateDict, Tensor } from './tensor.ts';
import { readZipLayout } from './zip-layout.ts';

/** Ten times the published encoder. */
const LARGEST_FILE = 1 << 30;
const ZIP_START = [0x50, 0x4b, 0x03, 0x04];
const PICKLE_START = 0x80;
/** Of the legacy layout in pickle protocols 0 and 1: its magic number as text. */
const TEXT_START = Buffer.from('L119547037146038801333356L');

/**
 * What `torch.save` wrote, in either layout: lists as arrays, dicts as `PickleDict`, tensors as
 * `TensorValue`.
 * @throws {CheckpointError} naming the file and the reason: missing, cut short, foreign, or asking for
 *   more than data
 */
export async function readCheckpoint(path: string): Promise<PickleValue> {
  return interpret(path, (value) => value);
}

/**
 * A module's parameters and buffers, as `torch.save(module.state_dict(), path)` wrote them.
 * @throws {CheckpointError} as `readCheckpoint`, and when it is not a dict of tensors
 */
export async function readStateDict(path: string): Promise<StateDict> {
  return interpret(path, stateDictFrom);
}

/**
 * Known people, as `torch.save([embeddings, names], path)` wrote them, or in another unambiguous form.
 * @throws {CheckpointError} as `readCheckpoint`, and when it is no gallery
 */
export async function readGalleryFile(path: string): Promise<GalleryFile> {
  return interpret(path, galleryFrom);
}

async function interpret<T>(path: string, from: (value: PickleValue) => T): Promise<T> {
  const bytes = await readBytes(path);
  try {
    return from(await readValue(bytes));
  } catch (cause) {
    if (!(cause instanceof CheckpointFault)) throw cause;
    throw new CheckpointError(`${path} cannot be used: ${cause.message}.`, { cause });
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    // A pipe would be waited for without end.
    if (!found.isFile()) throw new CheckpointError(`${path} cannot be used: it is not a file.`);
    if (found.size <= LARGEST_FILE) return await readFile(path);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  throw new CheckpointError(`${path} cannot be used: it is larger than any checkpoint of a face.`);
}

async function readValue(bytes: Uint8Array): Promise<PickleValue> {
  if (startsWith(bytes, ZIP_START)) return readZipLayout(bytes);
  if (bytes[0] === PICKLE_START || startsWith(bytes, TEXT_START)) return readLegacyLayout(bytes);
  if (isSafetensors(bytes)) return readSafetensors(bytes);
  return refuse(`it is ${await kindOf(bytes)}, not a file that torch.save wrote`);
}

function startsWith(bytes: Uint8Array, start: ArrayLike<number> & Iterable<number>): boolean {
  return Array.from(start).every((byte, index) => bytes[index] === byte);
}

async function kindOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length === 0) return 'empty';
  const start = Buffer.from(bytes.subarray(0, 256)).toString('latin1').trimStart().toLowerCase();
  if (start.startsWith('<')) return 'a web page or other markup (was the download refused?)';
  if (start.startsWith('version https://git-lfs')) return 'a Git LFS pointer, without the content';
  const type = await fileTypeFromBuffer(bytes);
  return type === undefined ? 'of a kind unknown here' : `of type ${type.mime}`;
}

/** What training programs call a state dict beside others, such as an average of it. */
const USUAL_KEYS = ['state_dict', 'model_state_dict', 'model'];

/**
 * Takes one dict around the state dict away.
 * @throws {CheckpointFault} when there is no state dict, or several
 */
function stateDictFrom(value: PickleValue): StateDict {
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
