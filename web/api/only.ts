/** The last of a path's routes: answers OPTIONS, and refuses every method that the path does not have. */
import type { RequestHandler } from 'express';
import { httpError } from '../errors.ts';

/** @param methods that the path has, with commas; what its own routes passed on, this passes on too */
export function only(methods: string): RequestHandler {
  const known = new Set(methods.split(', '));
  return (request, response, next) => {
    if (known.has(request.method)) return next();
    response.set('Allow', `${methods}, OPTIONS`);
    if (request.method !== 'OPTIONS') throw httpError.method(request.method, methods);
    response.status(204).end();
  };
}
