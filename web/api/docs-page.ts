/** Routes for the API's description, the page to try it (Swagger UI), and the explanation of each error. */
import { fileURLToPath } from 'node:url';
import { type Response, Router } from 'express';
import helmet from 'helmet';
import { packageVersion } from '../../runtime/installation.ts';
import { ERROR_TYPES } from '../error-types.ts';
import { httpError } from '../errors.ts';
import { problemText } from './problems.ts';
import { allowMethods, noOptions } from './route-rules.ts';

/** Allows scripts and styles from this node, and the pictures inside its styles. */
const PAGE_POLICY = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
});

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>elastic-face: the API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;
const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#page', deepLinking: true });\n`;

/**
 * Swagger UI's files, read from disk for each request. @fastify/swagger-ui ships the same build as
 * swagger-ui-dist, without that package's telemetry dependency.
 */
const FILES = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']);
const CACHE = 'public, max-age=3600';

export function apiDocs(): Router {
  let description: Promise<string> | undefined;
  const router = Router();
  router.get('/openapi.json', noOptions, async (_request, response) => {
    description ??= describe();
    response
      .set('Cache-Control', CACHE)
      .type('application/json')
      .send(await description);
  });
  router.get('/docs', PAGE_POLICY, (request, response) => {
    // The page's links are relative, so that it works under a proxy's path; a trailing slash breaks them.
    if (request.path.endsWith('/')) response.redirect(301, '../docs');
    else response.type('text/html').send(PAGE);
  });
  router.get('/docs/start.js', (_request, response) => {
    response.set('Cache-Control', CACHE).type('text/javascript').send(START);
  });
  router.get('/docs/:file', (request, response, next) => {
    if (!FILES.has(request.params.file)) return next();
    return sendFile(request.params.file, response);
  });
  router.get('/problems', noOptions, (_request, response) => {
    const lines = Object.keys(ERROR_TYPES).map((code) => `/problems/${code}: ${problemText(code)}`);
    response.type('text/plain').send(lines.join(''));
  });
  router.get('/problems/:code', noOptions, (request, response) => {
    const text = problemText(request.params.code);
    if (text === undefined) throw httpError.noErrorType();
    response.type('text/plain').send(text);
  });
  const paths = ['/openapi.json', '/docs', '/docs/:file', '/problems', '/problems/:code'];
  router.all(paths, allowMethods('GET, HEAD'));
  return router;
}

async function describe(): Promise<string> {
  const { describeApi } = await import('./description.ts');
  return JSON.stringify(describeApi(await packageVersion()));
}

async function sendFile(file: string, response: Response): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const root = fileURLToPath(
    new URL('static', import.meta.resolve('@fastify/swagger-ui/package.json')),
  );
  response.sendFile(file, { root, maxAge: '1h' }, (error) => (error ? reject(error) : resolve()));
  await promise;
}
