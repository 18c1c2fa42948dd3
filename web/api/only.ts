/** The end of a path's routes: every method that is none of its own. */
import type { RequestHandler } from 'express';
import { refuse } from '../errors.ts';

/** @param methods that the path has, with commas */
export function only(methods: string): RequestHandler {
  return (request, response) => {
    response.set('Allow', methods);
    throw refuse.method(request.method);
  };
}
