/**
 * Files and folders that operating systems, network storage and tools put beside people's own, by their
 * names. Opens none of them.
 */

/** Lower case, as Windows and macOS do not tell cases apart. Names that begin with a dot are not listed. */
const FOLDERS: ReadonlySet<string> = new Set([
  // Synology, QNAP, NetApp and Samba
  '@eadir',
  '@recycle',
  '@recently-snapshot',
  '@sharebin',
  '@tmp',
  '#recycle',
  '#snapshot',
  '~snapshot',
  // macOS
  '__macosx',
  'network trash folder',
  'temporary items',
  'thevolumesettingsfolder',
  // Windows
  '$recycle.bin',
  'recycler',
  'recycled',
  'system volume information',
  'config.msi',
  'msocache',
  // Linux and Android
  'lost+found',
  'lost.dir',
  // Python
  '__pycache__',
]);

const FILES: ReadonlySet<string> = new Set([
  '.ds_store',
  'thumbs.db',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'desktop.ini',
  'icon\r',
  'picasa.ini',
  'zbthumbnail.info',
  'aquota.user',
  'aquota.group',
]);

/** Of chkdsk, e.g. `FOUND.000`. */
const FOUND_BY_CHKDSK = /^found\.\d{3}$/;

/** Whether a file or folder of this name is the system's; every name that begins with a dot counts as one. */
export function isSystemEntry(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    name.startsWith('.') || isDesktopFile(name) || FOLDERS.has(lower) || FOUND_BY_CHKDSK.test(lower)
  );
}

/** Whether this is a file that a system makes again by itself, such as a folder's thumbnails. */
export function isDesktopFile(name: string): boolean {
  return FILES.has(name.toLowerCase()) || name.startsWith('._');
}

/** Whether the name begins as many systems' folders do; a person's folder may be named so too. */
export function mayBeSystemFolder(name: string): boolean {
  return /^(?:[@#$~]|__)/.test(name);
}
