/**
 * PyTorch’s layout since 1.6: a zip file with `<name>/data.pkl` and one entry a storage, `<name>/data/<key>`,
 * all stored uncompressed, so that entries are views of the bytes. Source: torch/serialization.py, `_save`.
 * Knows no paths.
 */

import { crc32 } from 'node:zlib';
import { quote, refuse } from '../errors.ts';
import { ByteReader } from './pickle/byte-reader.ts';
import { readPickle } from './pickle/pickle.ts';
import { PickleTuple, type PickleValue } from './pickle/pickle-values.ts';
import { count, type Storage, Storages, StorageType } from './pickle/storages.ts';
import { torchGlobals } from './pickle/torch-values.ts';

const OBJECT = /^([^/]+)\/data\.pkl$/;

/** @throws {CheckpointFault} when it is not this layout, is damaged, or asks for more than data */
export function readZipLayout(bytes: Uint8Array): PickleValue {
  const entries = readStoredZip(bytes);
  const folder = objectFolder([...entries.keys()]);
  requireLittleEndian(entries.get(`${folder}/byteorder`)?.());
  const pickle = entries.get(`${folder}/data.pkl`)!();
  const storages = new Storages(bytes.length);
  const { value } = readPickle(pickle, 0, {
    global: torchGlobals(bytes.length),
    persistent: (id) => storageFrom(id, storages),
  });
  for (const storage of storages) {
    const entry = entries.get(`${folder}/data/${storage.key}`);
    if (entry !== undefined) storage.fill(entry());
  }
  storages.requireFilled();
  return value;
}

function objectFolder(names: readonly string[]): string {
  const folders = names.flatMap((name) => OBJECT.exec(name)?.[1] ?? []);
  const [folder] = folders;
  if (folder === undefined || folders.length > 1) {
    return refuse('it is a zip file, but not one that torch.save wrote (it has no one data.pkl)');
  }
  if (names.includes(`${folder}/constants.pkl`)) {
    return refuse(
      'it is a TorchScript archive, which holds code: save the state dict of the model instead',
    );
  }
  return folder;
}

function requireLittleEndian(byteOrder: Uint8Array | undefined): void {
  if (byteOrder !== undefined && Buffer.from(byteOrder).toString('latin1') !== 'little') {
    refuse('it was not written by a little-endian machine: save it again on another one');
  }
}

/** `('storage', class, key, location, length)` */
function storageFrom(id: PickleValue, storages: Storages): Storage {
  const items = id instanceof PickleTuple ? id.items : [];
  const [kind, type, key, location, length] = items;
  if (
    items.length !== 5 ||
    kind !== 'storage' ||
    !(type instanceof StorageType) ||
    typeof key !== 'string' ||
    typeof location !== 'string'
  ) {
    return refuse('it refers to a storage in a way that PyTorch does not write');
  }
  return storages.declare(key, type, count(length, 'length'));
}

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const ENCRYPTED = 0x1;
const STORED = 0;

/**
 * The entries of a zip file that stores them uncompressed: views of the bytes, so that no archive can grow beyond
 * its own size. runtime/files.ts reads other archives: it copies what it reads, and checks no checksum.
 * Source: PKWARE's APPNOTE 6.3, sections 4.3 and 4.4.
 * @returns by its full name, what gives an entry's content, checked by its CRC-32, or throws a
 *   `CheckpointFault` when that is damaged, compressed or encrypted
 * @throws {CheckpointFault} when the directory is damaged, or has a name twice
 */
function readStoredZip(bytes: Uint8Array): Map<string, () => Uint8Array> {
  const { count, size, offset, end } = readEnd(bytes);
  if (offset + size > end) {
    refuse('its zip directory is damaged');
  }
  const directory = new ByteReader(bytes.subarray(0, offset + size), offset);
  const entries = new Map<string, () => Uint8Array>();
  for (let index = 0; index < count; index++) {
    const { name, content } = readEntry(bytes, directory, offset);
    if (entries.has(name)) {
      refuse(`it has the zip entry ${quote(name)} twice`);
    }
    entries.set(name, content);
  }
  return entries;
}

function readEnd(bytes: Uint8Array) {
  const end = findEnd(bytes);
  const reader = new ByteReader(bytes, end + 4);
  const [disk, directoryDisk, here, count] = [
    reader.uint16(),
    reader.uint16(),
    reader.uint16(),
    reader.uint16(),
  ];
  const [size, offset] = [reader.uint32(), reader.uint32()];
  if (disk !== 0 || directoryDisk !== 0 || here !== count || count === 0xffff) {
    refuse('it is a zip file in several parts, or with more entries than a checkpoint has');
  }
  return { count, size, offset, end };
}

function findEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lowest = Math.max(0, bytes.length - END_SIZE - LONGEST_COMMENT);
  for (let position = bytes.length - END_SIZE; position >= lowest; position--) {
    const comment = bytes.length - END_SIZE - position;
    if (
      view.getUint32(position, true) === END_SIGNATURE &&
      view.getUint16(position + END_SIZE - 2, true) === comment
    ) {
      return position;
    }
  }
  return refuse('it is a zip file without its end: it is cut short');
}

function readEntry(bytes: Uint8Array, directory: ByteReader, contentEnd: number) {
  if (directory.uint32() !== CENTRAL_SIGNATURE) {
    refuse('its zip directory is damaged');
  }
  directory.bytes(4); // versions
  const [flags, method] = [directory.uint16(), directory.uint16()];
  directory.bytes(4); // time and date
  const [checksum, stored, size] = [directory.uint32(), directory.uint32(), directory.uint32()];
  const [nameLength, extraLength, commentLength] = [
    directory.uint16(),
    directory.uint16(),
    directory.uint16(),
  ];
  directory.bytes(8); // disk and attributes
  const offset = directory.uint32();
  const name = directory.text(nameLength);
  directory.bytes(extraLength + commentLength);
  const content = () => {
    const quoted = quote(name);
    if (flags & ENCRYPTED) {
      refuse(`its zip entry ${quoted} is encrypted`);
    }
    if (method !== STORED || stored !== size) {
      refuse(`its zip entry ${quoted} is compressed, which torch.save never does: save it again`);
    }
    const found = localContent(bytes.subarray(0, contentEnd), offset, name, size);
    return crc32(found) === checksum
      ? found
      : refuse(`its zip entry ${quoted} does not have its checksum: it is damaged`);
  };
  return { name, content };
}

function localContent(bytes: Uint8Array, offset: number, name: string, size: number): Uint8Array {
  const local = new ByteReader(bytes, Math.min(offset, bytes.length));
  if (local.uint32() !== LOCAL_SIGNATURE) {
    refuse('its zip directory is damaged');
  }
  local.bytes(22); // described in the directory
  const [nameLength, extraLength] = [local.uint16(), local.uint16()];
  if (local.text(nameLength) !== name) {
    refuse(`its zip entry ${quote(name)} has another name in another place`);
  }
  local.bytes(extraLength);
  return local.bytes(size);
}
