/**
 * PyTorch's layout before 1.6: five pickles (magic number, protocol, system, the object, storage keys),
 * then the storages, each an 8-byte count and its elements. Source: torch/serialization.py,
 * `_legacy_save`. Knows no paths.
 */

import { quote, refuse } from '../errors.ts';
import { ByteReader } from './pickle/byte-reader.ts';
import { plainWorld, readPickle } from './pickle/pickle.ts';
import { PickleDict, PickleTuple, type PickleValue } from './pickle/pickle-values.ts';
import { count, type Storage, Storages, StorageType } from './pickle/storages.ts';
import { torchGlobals } from './pickle/torch-values.ts';

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** @throws {CheckpointFault} when it is not this layout, is damaged, or asks for more than data */
export function readLegacyLayout(bytes: Uint8Array): PickleValue {
  const magic = readPickle(bytes, 0, plainWorld);
  if (magic.value !== MAGIC_NUMBER) {
    refuse('it is a Python pickle, but not one that torch.save wrote');
  }
  const protocol = readPickle(bytes, magic.end, plainWorld);
  if (protocol.value !== PROTOCOL_VERSION) {
    refuse(`its layout is not of the version ${PROTOCOL_VERSION}, the only one there is`);
  }
  const system = readPickle(bytes, protocol.end, plainWorld);
  if (!(system.value instanceof PickleDict) || system.value.get('little_endian') !== true) {
    refuse('it was not written by a little-endian machine: save it again on another one');
  }
  const storages = new Storages(bytes.length);
  const object = readPickle(bytes, system.end, {
    global: torchGlobals(bytes.length),
    persistent: (id) => storageFrom(id, storages),
  });
  const keys = readPickle(bytes, object.end, plainWorld);
  fillStorages(new ByteReader(bytes, keys.end), keys.value, storages);
  return object.value;
}

/** `('storage', class, key, location, length, view)`, view being None or `(key, offset, length)` */
function storageFrom(id: PickleValue, storages: Storages): Storage {
  const items = id instanceof PickleTuple ? id.items : [];
  const [kind, type, key, location, length, view] = items;
  if (
    items.length !== 6 ||
    kind !== 'storage' ||
    !(type instanceof StorageType) ||
    typeof key !== 'string' ||
    typeof location !== 'string'
  ) {
    return refuse('it refers to a storage in a way that PyTorch does not write');
  }
  const root = storages.declare(key, type, count(length, 'length'));
  if (view === null) return root;
  const [viewKey, offset, viewLength] = view instanceof PickleTuple ? view.items : [];
  return typeof viewKey === 'string'
    ? storages.view(viewKey, root, count(offset, 'offset'), count(viewLength, 'length'))
    : refuse('it refers to a part of a storage in a way that PyTorch does not write');
}

function fillStorages(reader: ByteReader, keys: PickleValue, storages: Storages): void {
  if (!Array.isArray(keys)) {
    refuse('its list of storages is damaged');
  }
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || storage.filled) {
      refuse('its list of storages names one that no tensor uses, or one twice');
    }
    const length = reader.count64();
    if (length !== storage.length) {
      refuse(
        `its storage ${quote(storage.key)} has ${length} elements where ${storage.length} are announced`,
      );
    }
    storage.fill(reader.bytes(length * storage.element.bytes));
  }
  storages.requireFilled();
}
