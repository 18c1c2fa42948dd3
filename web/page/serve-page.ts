/** Serves the page at GET / and its files: built once, kept compressed, cached by browsers until they change. */
import { fork } from 'node:child_process';
import type { Request, Response } from 'express';
import helmet from 'helmet';
import { errorClass } from '../../runtime/errors.ts';
import { modulePath } from '../../runtime/installation.ts';

export interface PageFile {
  readonly type: string;
  readonly plain: Uint8Array;
  readonly gzip: Uint8Array;
  readonly br: Uint8Array;
}

export interface BuiltPage {
  /** Of the content of all files: part of their addresses. */
  readonly version: string;
  readonly files: Readonly<Record<string, PageFile>>;
}

export interface Page {
  /** Begins to make it, so that the first to ask need not wait. */
  prepare(): void;
  sendHtml(request: Request, response: Response): Promise<void>;
  /** @returns false when there is no such file */
  sendFile(request: Request, response: Response, version: string, name: string): Promise<boolean>;
}

class PageError extends errorClass('page') {
  constructor(code: number | null) {
    super(`The page could not be made: its process ended with ${code}; stderr says why.`);
  }
}

const YEAR_SECONDS = 31_536_000;

/** Only what came from here runs, and it reaches nothing but this server. */
const POLICY = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'blob:', 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
});

export function openPage(): Page {
  let making: Promise<BuiltPage> | undefined;
  const built = (): Promise<BuiltPage> => {
    making ??= buildPage().catch((error: unknown) => {
      making = undefined; // The next to ask tries again.
      throw error;
    });
    return making;
  };
  return {
    prepare() {
      built().catch(() => {}); // Whoever asks for the page is told.
    },
    async sendHtml(request, response) {
      const { version, files } = await built();
      POLICY(request, response, () => {});
      response.set({ 'Cache-Control': 'no-cache', ETag: `W/"${version}"` });
      if (request.fresh) response.status(304).end();
      else send(request, response, files['index.html'] as PageFile);
    },
    async sendFile(request, response, asked, name) {
      const { version, files } = await built();
      const file = Object.hasOwn(files, name) ? files[name] : undefined;
      if (file === undefined) return false;
      // The page may be of another web node that is older or newer: then this is for now only.
      const cache = asked === version ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-store';
      response.set('Cache-Control', cache);
      send(request, response, file);
      return true;
    },
  };
}

/** By a process of its own, whose memory ends with it: in a thread it would cost this one 40 MB. */
export function buildPage(): Promise<BuiltPage> {
  const child = fork(modulePath('./build-page.child.ts', import.meta.url), {
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (built) => resolve(built as BuiltPage));
    child.once('error', reject);
    child.once('close', (code) => reject(new PageError(code)));
  });
}

function send(request: Request, response: Response, file: PageFile): void {
  const coding = request.acceptsEncodings('br', 'gzip');
  const body = coding === 'br' ? file.br : coding === 'gzip' ? file.gzip : file.plain;
  response.set('Content-Type', file.type).vary('Accept-Encoding');
  if (body !== file.plain) response.set('Content-Encoding', String(coding));
  response.set('Content-Length', String(body.length));
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}
