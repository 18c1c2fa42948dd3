/** The photos of a drop or a paste: files, and folders with everything below them. */

export interface Dropped {
  readonly files: readonly File[];
  /** Files of folders that are no photos by their type. */
  readonly passedOver: number;
}

/** Where the system knows no type for them. */
const PHOTO_NAMES = /\.(?:jpe?g|jfif|png|apng|webp|gif|tiff?|avif|hei[cf])$/i;

/** To be called in the event's own turn: a browser empties the transfer after it. */
export async function filesOf(transfer: DataTransfer): Promise<Dropped> {
  const plain = [...transfer.files];
  const entries = [...transfer.items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => item.webkitGetAsEntry());
  if (!entries.some((entry) => entry?.isDirectory)) return { files: plain, passedOver: 0 };
  const files: File[] = [];
  let passedOver = 0;
  for (const entry of entries) {
    if (entry === null) continue;
    if (isFile(entry)) {
      files.push(await fileOf(entry));
      continue;
    }
    for (const file of await filesBelow(entry as FileSystemDirectoryEntry)) {
      if (isPhoto(file)) files.push(file);
      else passedOver += 1;
    }
  }
  return { files, passedOver };
}

function isPhoto({ name, type }: File): boolean {
  if (name.startsWith('.')) return false; // macOS keeps a shadow of each photo as `._name.jpg`.
  return type.startsWith('image/') || PHOTO_NAMES.test(name);
}

async function filesBelow(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const entries = (await entriesOf(folder)).sort((a, b) =>
    a.name.localeCompare(b.name, undefined, { numeric: true }),
  );
  const nested = await Promise.all(
    entries.map(async (entry) =>
      isFile(entry) ? [await fileOf(entry)] : filesBelow(entry as FileSystemDirectoryEntry),
    ),
  );
  return nested.flat();
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A browser gives at most a hundred at a time. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return all;
    all.push(...some);
  }
}
