/**
 * Known people out of what a file holds: embeddings and names in every form in which it is clear which
 * name is whose. Knows no file layout.
 */
import type { Gallery } from '../../model/match/gallery.ts';
import {
  PickleDict,
  PickleTuple,
  type PickleValue,
  TensorValue,
} from '../checkpoint/pickle/pickle-values.ts';
import { encoders } from '../encoders.ts';
import { refuse } from '../errors.ts';
import { hasPhotoEnding } from './folder-entries.ts';
import { cleanName, nameDoubts, nameFault, quotedName } from './person-names.ts';

export interface GalleryFile {
  readonly gallery: Gallery;
  /** A sentence for each thing that a person should look at. */
  readonly doubts: readonly string[];
}

/** Such files come from facenet-pytorch: its example of a face search writes them. */
const { kind: ENCODER, embeddingLength: EMBEDDING_LENGTH } = encoders.facenet;

/** What an embedding's length may differ from 1: half precision rounds. */
const LENGTH_TOLERANCE = 0.01;

const WANTED =
  `save it as torch.save([embeddings, names], path), with a list of tensors of ${EMBEDDING_LENGTH} numbers ` +
  'and a list of as many names';

/** A person's embedding: all numbers of a tensor, or one row of them. */
interface Face {
  readonly name: string;
  readonly numbers: () => ArrayLike<number>;
}

/** @throws {CheckpointFault} saying what to do, when it is not clear whose embedding is whose */
export function galleryFrom(value: PickleValue): GalleryFile {
  const faces = byColumns(value) ?? byRows(value) ?? byName(value);
  if (faces === undefined) return refuse(`it does not hold a gallery: ${WANTED}`);
  const embeddings = new Float32Array(faces.length * EMBEDDING_LENGTH);
  const lengths: number[] = [];
  for (const [index, { name, numbers }] of faces.entries()) {
    const fault = nameFault(name);
    if (fault !== undefined) {
      return refuse(`its name ${index}, ${quotedName(name)}, ${fault}: give another one`);
    }
    const row = embeddings.subarray(index * EMBEDDING_LENGTH, (index + 1) * EMBEDDING_LENGTH);
    row.set(numbers());
    if (!row.every(Number.isFinite)) {
      return refuse(`its embedding ${index} has numbers that are not finite`);
    }
    lengths.push(Math.hypot(...row));
  }
  const names = faces.map(({ name }) => cleanName(name));
  return {
    gallery: { encoder: ENCODER, names, embeddings },
    doubts: [
      ...lengthDoubts(lengths),
      ...twinDoubts(names, embeddings),
      ...nameDoubts(faces.map(({ name }) => name)),
    ],
  };
}

function lengthDoubts(lengths: readonly number[]): string[] {
  const unusual = lengths.filter((length) => Math.abs(length - 1) > LENGTH_TOLERANCE);
  if (unusual.length === 0) return [];
  const [least, most] = [Math.min(...unusual), Math.max(...unusual)].map((one) => one.toFixed(2));
  const range = least === most ? least : `${least} to ${most}`;
  return [
    `${unusual.length} of ${lengths.length} embeddings have the length ${range} instead of 1: ` +
      'distances to them are what they are, but KNOWN_DISTANCE does not fit them',
  ];
}

function twinDoubts(names: readonly string[], embeddings: Float32Array): string[] {
  const people = Map.groupBy(names.keys(), (row) =>
    embeddings.subarray(row * EMBEDDING_LENGTH, (row + 1) * EMBEDDING_LENGTH).join(),
  );
  return [...people.values()].flatMap((rows) => {
    const different = new Set(rows.map((row) => names[row]!));
    if (different.size < 2) return [];
    return [`${[...different].join(' and ')} have the same embedding: whose is it?`];
  });
}

/** A list of embeddings and one of names, also under keys or with further lists such as one of paths. */
function byColumns(value: PickleValue): Face[] | undefined {
  const columns = value instanceof PickleDict ? [...value.values()] : itemsOf(value);
  if (columns === undefined || columns.length < 2) return undefined;
  const embeddings = columns.filter(isColumnOfEmbeddings);
  const texts = columns.map(itemsOf).filter((items) => items?.every(isText)) as string[][];
  const [first] = texts;
  if (embeddings.length !== 1 || first === undefined) return undefined;
  const named = texts.filter((list) => !list.every(hasPhotoEnding));
  const [names = first] = named;
  if (named.length > 1) {
    return refuse(
      `it has ${named.length} lists of texts, any of which may be the names: ${WANTED}`,
    );
  }
  const rows = rowsOf(embeddings[0]!);
  if (columns.some((column) => isColumnOfLabels(column, rows.length))) {
    return refuse(`it has a list of numbers too, which may say whose name is whose: ${WANTED}`);
  }
  if (names.length !== rows.length || names.length === 0) {
    return refuse(`it has ${rows.length} embeddings for ${names.length} names: ${WANTED}`);
  }
  return rows.map((numbers, index) => ({ name: names[index]!, numbers }));
}

/** A list of pairs, each with an embedding and its name. */
function byRows(value: PickleValue): Face[] | undefined {
  const rows = itemsOf(value);
  if (rows === undefined || rows.length === 0) return undefined;
  const faces = rows.map((row): Face | undefined => {
    const items = row instanceof PickleDict ? [...row.values()] : (itemsOf(row) ?? []);
    const embeddings = items.filter(isEmbedding);
    const names = items.filter(isText).filter((text) => !hasPhotoEnding(text));
    const [name] = names;
    const [embedding] = embeddings;
    if (name === undefined || embedding === undefined) return undefined;
    if (names.length > 1 || embeddings.length > 1) return undefined;
    return { name, numbers: () => numbersOf(embedding) };
  });
  return faces.every((face) => face !== undefined) ? faces : undefined;
}

/** A dict of each person's embeddings, one or several, by the name. */
function byName(value: PickleValue): Face[] | undefined {
  if (!(value instanceof PickleDict) || value.size === 0) return undefined;
  const faces: Face[] = [];
  for (const [name, own] of value) {
    const column = isEmbedding(own) ? [own] : own;
    if (!isColumnOfEmbeddings(column)) return undefined;
    if (typeof name !== 'string') return refuse(`it names people by numbers: ${WANTED}`);
    faces.push(...rowsOf(column).map((numbers) => ({ name, numbers })));
  }
  return faces;
}

/** Of a list, a tuple or an array of texts or objects. */
function itemsOf(value: PickleValue): readonly PickleValue[] | undefined {
  if (value instanceof PickleTuple || value instanceof TensorValue) return value.items;
  return Array.isArray(value) ? value : undefined;
}

function isTensor(value: PickleValue): value is TensorValue {
  return value instanceof TensorValue && value.items === undefined;
}

function isText(value: PickleValue): value is string {
  return typeof value === 'string';
}

function isColumnOfEmbeddings(value: PickleValue): value is TensorValue | PickleValue[] {
  if (isTensor(value)) return value.shape.length >= 2;
  const items = itemsOf(value);
  return items !== undefined && items.length > 0 && items.every(isVector);
}

/** Whole numbers, one for each embedding: with them, the names' order may mean nothing. */
function isColumnOfLabels(value: PickleValue, count: number): boolean {
  if (isTensor(value)) {
    const isOne = value.shape.length === 1 && value.shape[0] === count;
    return isOne && !(value.read().data instanceof Float32Array);
  }
  return itemsOf(value)?.length === count && itemsOf(value)!.every(Number.isInteger);
}

/** Of whatever length, so that a wrong one is refused by it. */
function isVector(value: PickleValue): boolean {
  if (isTensor(value)) return true;
  const items = itemsOf(value);
  return items !== undefined && items.length > 1 && items.every((one) => typeof one === 'number');
}

/** [512] or [1, 512], or as many numbers. */
function isEmbedding(value: PickleValue): boolean {
  if (!isVector(value)) return false;
  const shape = isTensor(value) ? value.shape : [itemsOf(value)!.length];
  return shape.reduce((product, extent) => product * extent, 1) === EMBEDDING_LENGTH;
}

function rowsOf(column: PickleValue): (() => ArrayLike<number>)[] {
  if (!isTensor(column)) {
    const items = itemsOf(column) ?? [];
    if (new Set(items).size < items.length) return refuse('it lists one embedding several times');
    return items.map((item, index) => () => numbersOf(item, index));
  }
  const [count = 0] = column.shape;
  requireLength(column.shape.slice(1), 0);
  return Array.from({ length: count }, (_, index) => () => {
    const data = floatsOf(column, index);
    return data.subarray(index * EMBEDDING_LENGTH, (index + 1) * EMBEDDING_LENGTH);
  });
}

function numbersOf(value: PickleValue, index = 0): ArrayLike<number> {
  if (isTensor(value)) {
    requireLength(value.shape, index);
    return floatsOf(value, index);
  }
  const items = itemsOf(value) as readonly number[];
  requireLength([items.length], index);
  return items;
}

function floatsOf(tensor: TensorValue, index: number): Float32Array | Float64Array {
  const { data } = tensor.read();
  return data instanceof Float32Array || data instanceof Float64Array
    ? data
    : refuse(`its embedding ${index} is not of floating-point numbers: save it as float32`);
}

function requireLength(shape: readonly number[], index: number): void {
  const length = shape.reduce((product, extent) => product * extent, 1);
  if (length === EMBEDDING_LENGTH) return;
  refuse(
    `its embedding ${index} has ${length} numbers, not ${EMBEDDING_LENGTH}: is it of another network? ${WANTED}`,
  );
}
