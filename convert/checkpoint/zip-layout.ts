/**
 * PyTorch's layout since 1.6: a zip file with `<name>/data.pkl` and one entry a storage,
 * `<name>/data/<key>`. Source: torch/serialization.py, `_save`. Knows no paths.
 */
import { refuse } from './fault.ts';
import { readPickle } from './pickle/pickle.ts';
import { PickleTuple, type PickleValue } from './pickle/pickle-values.ts';
import { count, type Storage, Storages, StorageType } from './pickle/storages.ts';
import { torchGlobals } from './pickle/torch-values.ts';
import { readStoredZip } from './stored-zip.ts';

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
