/**
 * A Python package index and an npm registry on the loopback, with packages made by the test, and pip and
 * npm configured for them as a user configures a private mirror. For tests only.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { create } from 'tar';
import { type FileServer, serve } from '../file-server.fixture.ts';

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A wheel with what pip reads of one. */
export function makeWheel(name: string, version: string, files: Files): Buffer {
  const info = `${name.replaceAll('-', '_')}-${version}.dist-info`;
  const all: Files = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: '',
  };
  const entries = Object.entries(all).map(([path, content]) => [path, Buffer.from(content)]);
  return Buffer.from(zipSync(Object.fromEntries(entries)));
}

export async function makeTarball(files: Files): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'elastic-face-tarball-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const file = join(folder, 'made.tgz');
    await create({ gzip: true, cwd: folder, file, portable: true }, Object.keys(files));
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Serves projects as PEP 503 wants it, below `/simple/`; only to who knows the password, if there is one.
 * @param projects by name, each its files by name
 */
export function pythonIndex(
  projects: Readonly<Record<string, Readonly<Record<string, Buffer>>>>,
  password?: string,
): Promise<FileServer> {
  const expected = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
  return serve(({ url = '', headers }, response) => {
    if (password !== undefined && headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end();
      return;
    }
    const [, kind, project = '', file = ''] = url.split('/');
    const files = projects[project];
    if (kind === 'simple' && files !== undefined) {
      const links = Object.entries(files).map(
        ([name, bytes]) =>
          `<a href="../../files/${project}/${name}#sha256=${sha256(bytes)}">${name}</a>`,
      );
      response.writeHead(200, { 'content-type': 'text/html' }).end(links.join('\n'));
      return;
    }
    const bytes = kind === 'files' ? files?.[file] : undefined;
    if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  });
}

/** Serves one version of one package. */
export async function npmRegistry(
  name: string,
  version: string,
  tarball: Buffer,
): Promise<FileServer> {
  let origin = '';
  const answer: RequestListener = ({ url = '' }, response) => {
    if (url === '/made.tgz') return response.end(tarball);
    if (decodeURIComponent(url) !== `/${name}`) return response.writeHead(404).end('{}');
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const dist = { tarball: `${origin}/made.tgz`, integrity };
    const versions = { [version]: { name, version, dist } };
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ name, versions, 'dist-tags': { latest: version } }));
  };
  const server = await serve(answer);
  origin = server.origin;
  return server;
}

/** Sets variables of this process's environment, and puts them back when it is disposed of. */
export function environment(variables: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}
