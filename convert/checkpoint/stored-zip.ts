/**
 * The entries of a zip file that stores them uncompressed, as torch.save does: views of the bytes, so
 * that no archive can grow beyond its own size. runtime/files.ts reads other archives: it copies what it
 * reads, and checks no checksum. Knows nothing of PyTorch.
 * Source: PKWARE's APPNOTE 6.3, sections 4.3 and 4.4.
 */
import { crc32 } from 'node:zlib';
import { quote, refuse } from './fault.ts';
import { ByteReader } from './pickle/byte-reader.ts';

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const ENCRYPTED = 0x1;
const STORED = 0;

/**
 * @returns by its full name, what gives an entry's content, checked by its CRC-32, or throws a
 *   `CheckpointFault` when that is damaged, compressed or encrypted
 * @throws {CheckpointFault} when the directory is damaged, or has a name twice
 */
export function readStoredZip(bytes: Uint8Array): Map<string, () => Uint8Array> {
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
