/**
 * Builds the files of the page from web/page/browser/: removes types, joins styles, compresses each file
 * once. Runs in a process of its own, so that its memory is returned when it ends.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { BuiltPage, PageFile } from './serve-page.ts';

/** Level 11 takes three times as long and saves a twelfth. */
const BROTLI_QUALITY = 9;
const FOLDER = fileURLToPath(new URL('browser/', import.meta.url));
/** Files that index.html loads besides the modules. */
const CHARTS = 'uPlot.iife.min.js';
const STYLES = 'page.css';
const TYPES: Readonly<Record<string, string>> = {
  ts: 'text/javascript; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
};

const extension = (name: string): string => extname(name).slice(1);

/** Paths below the folder, in the order of their names: the order of the styles must not depend on folders. */
function sources(): string[] {
  const paths = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
  const isSource = (path: string): boolean => extension(path) in TYPES && !path.endsWith('.d.ts');
  return paths.filter(isSource).sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
}

function build(): BuiltPage {
  const { resolve } = createRequire(import.meta.url);
  const library = (name: string): string => readFileSync(resolve(`uplot/dist/${name}`), 'utf8');
  const texts = new Map([[CHARTS, library(CHARTS)]]);
  // One file, since the page is shown only when all styles are loaded.
  let styles = library('uPlot.min.css');
  for (const name of sources()) {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    if (extension(name) === 'css') styles += text;
    else texts.set(name, extension(name) === 'ts' ? stripTypeScriptTypes(text) : text);
  }
  texts.set(STYLES, styles);

  const hash = createHash('sha256');
  for (const [name, text] of texts) hash.update(`${name}\n${text}\n`);
  const version = hash.digest('base64url').slice(0, 16);
  const files: Record<string, PageFile> = {};
  for (const [name, text] of texts) {
    files[name] = file(name, name === 'index.html' ? head(text, version, texts.keys()) : text);
  }
  return { version, files };
}

/** Preloads every module: otherwise a browser finds each one only in the module that imports it. */
function head(html: string, version: string, names: Iterable<string>): string {
  const modules = [...names].filter((name) => extension(name) === 'ts');
  const links = modules.map((name) => `<link rel="modulepreload" href="page/VERSION/${name}">`);
  return html.replace('<!-- modules -->', links.join('\n    ')).replaceAll('VERSION', version);
}

function file(name: string, text: string): PageFile {
  const plain = Buffer.from(text);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  };
  const type = TYPES[extension(name)] as string;
  return { type, plain, gzip: gzipSync(plain), br: brotliCompressSync(plain, { params }) };
}

process.send?.(build());
