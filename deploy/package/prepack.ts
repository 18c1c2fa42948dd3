/**
 * npm runs it before it packs, with `restore` after: the checkout's package.json runs TypeScript and gives way,
 * while npm packs, to the one of the built package.
 */
import { existsSync } from 'node:fs';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFolder } from '../../runtime/installation.ts';
import { buildPackage } from './build.ts';
import { checkoutManifestSchema, packedManifest } from './manifest.ts';

const MANIFEST = join(packageFolder, 'package.json');
const CHECKOUTS_OWN = join(packageFolder, 'package.checkout.json');

// It is there before a build only where an earlier npm was killed while it packed.
if (existsSync(CHECKOUTS_OWN)) await rename(CHECKOUTS_OWN, MANIFEST);
if (process.argv[2] !== 'restore') {
  const checkout = checkoutManifestSchema.parse(JSON.parse(await readFile(MANIFEST, 'utf8')));
  const packed = packedManifest(checkout);
  await buildPackage(new Set(Object.keys(packed.dependencies as object)));
  await copyFile(MANIFEST, CHECKOUTS_OWN);
  await writeFile(MANIFEST, `${JSON.stringify(packed, null, 2)}\n`);
}
