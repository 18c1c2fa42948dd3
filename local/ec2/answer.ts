/** One EC2 request from its form to its XML: the only door of `ec2/` to HTTP. */
import { randomUUID } from 'node:crypto';
import type { Logger } from '../../runtime/log.ts';
import { perform } from './actions.ts';
import { Ec2Error } from './errors.ts';
import type { InstanceFleet } from './fleet/fleet.ts';
import { Imitation } from './fleet/imitation.ts';
import { parseForm } from './form.ts';
import { actionOf, readRequest } from './requests.ts';
import { answerXml, errorXml } from './xml.ts';

export interface Ec2Answer {
  readonly status: number;
  readonly body: string;
  /** Carried out, but the caller shall not hear of it: its connection is to be cut. */
  readonly lost?: boolean;
}

/**
 * Answers one request; never throws: what goes wrong is an answer too.
 * @param form the form body, or the query string of a GET
 */
export function answerEc2(
  fleet: InstanceFleet,
  form: string,
  log: Logger,
  imitation = new Imitation(),
): Ec2Answer {
  const requestId = randomUUID();
  try {
    const tree = parseForm(form);
    const action = actionOf(tree);
    const failure = imitation.failure(action);
    if (failure !== undefined) throw failure;
    const content = perform(fleet, action, readRequest(action, tree));
    const body = answerXml(action, requestId, content);
    return { status: 200, body, lost: imitation.losesReply(action) };
  } catch (error) {
    if (error instanceof Ec2Error) {
      return { status: error.status, body: errorXml(error, requestId) };
    }
    log.error({ err: error }, 'EC2 request failed');
    const internal = new Ec2Error('InternalError', 'An internal error has occurred', {
      cause: error,
      status: 500,
    });
    return { status: internal.status, body: errorXml(internal, requestId) };
  }
}
