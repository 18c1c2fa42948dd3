/**
 * Makes what a browser gets of web/page/: the types taken out, each file compressed once. It is a
 * process of its own that ends when it is done, so that neither its time nor its memory is the web tier's.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { BuiltPage, PageFile } from './page.ts';

/** Two more take three times as long for a twelfth less. */
const BROTLI_QUALITY = 9;
const FOLDER = fileURLToPath(new URL('page/', import.meta.url));
/** What index.html asks for beside the modules. */
const CHARTS = 'uPlot.iife.min.js';
const STYLES = 'page.css';
const TYPES: Readonly<Record<string, string>> = {
  ts: 'text/javascript; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  svg: 'image/svg+xml',
};

const extension = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function build(): BuiltPage {
  const { resolve } = createRequire(import.meta.url);
  const library = (name: string): string => readFileSync(resolve(`uplot/dist/${name}`), 'utf8');
  const texts = new Map([[CHARTS, library(CHARTS)]]);
  // One file: the page is not shown before all of them are there.
  let styles = library('uPlot.min.css');
  for (const name of readdirSync(FOLDER).sort()) {
    if (!(extension(name) in TYPES) || name.endsWith('.d.ts')) continue;
    const text = readFileSync(FOLDER + name, 'utf8');
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

/** All modules are named in the head: else a browser asks for each only when it has read who needs it. */
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
