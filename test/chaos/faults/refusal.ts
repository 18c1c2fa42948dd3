/** What the fault proxy answers in a service's place. Pure. */
import { randomUUID } from 'node:crypto';
import type { CallFault, CloudService } from './faults.ts';

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Kind = Extract<CallFault, '500' | '503' | 'throttle'>;

/** Status and code as AWS documents them for each service. */
const CODES: Readonly<Record<CloudService, Readonly<Record<Kind, readonly [number, string]>>>> = {
  s3: {
    '500': [500, 'InternalError'],
    '503': [503, 'ServiceUnavailable'],
    throttle: [503, 'SlowDown'],
  },
  sqs: {
    '500': [500, 'InternalFailure'],
    '503': [503, 'ServiceUnavailable'],
    throttle: [400, 'ThrottlingException'],
  },
  ec2: {
    '500': [500, 'InternalError'],
    '503': [503, 'Unavailable'],
    throttle: [503, 'RequestLimitExceeded'],
  },
};

/** How S3, SQS and EC2 say that they cannot just now, each in its own protocol. */
export function refusal(service: CloudService, kind: Kind): Refusal {
  const [status, code] = CODES[service][kind];
  const message = 'A fault that was asked for.';
  const id = randomUUID();
  if (service === 'sqs') {
    return {
      status,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': id },
      body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }),
    };
  }
  const error = `<Code>${code}</Code><Message>${message}</Message>`;
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body:
      service === 's3'
        ? `<?xml version="1.0" encoding="UTF-8"?><Error>${error}<RequestId>${id}</RequestId></Error>`
        : `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error>${error}</Error></Errors><RequestID>${id}</RequestID></Response>`,
  };
}
