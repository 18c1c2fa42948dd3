/** What came of the calls of a run, counted and in words. */
import type { Judged } from './judge.fixture.ts';
import { list, type PolicyDocument } from './policy.fixture.ts';

/** `s3:GetObject arn:…`: an access that the policies refused, once each. */
export function refusedAccesses(judged: readonly Judged[]): string[] {
  const words = judged.flatMap(({ role, refused }) =>
    refused.map(({ action, resource }) => `${role}: ${action} on ${resource}`),
  );
  return [...new Set(words)];
}

/** Distinct actions that a role used, with those of each service counted. */
export function usedActions(judged: readonly Judged[], role: string): Set<string> {
  return new Set(
    judged
      .filter((one) => one.role === role && one.refused.length === 0)
      .flatMap(({ accesses }) => accesses.map(({ action }) => action)),
  );
}

/** What a role may do that it never did. */
export function unusedActions(
  documents: readonly PolicyDocument[],
  used: ReadonlySet<string>,
): string[] {
  const granted = documents.flatMap(({ Statement }) =>
    Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => list(Action)),
  );
  return [...new Set(granted)].filter((action) => !used.has(action)).sort();
}

export function callsByRole(judged: readonly Judged[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { role } of judged) counts[role] = (counts[role] ?? 0) + 1;
  return counts;
}

/** Rights that this run does not use, and for what they are. */
export const NOT_SEEN: Readonly<Record<string, string>> = Object.fromEntries([
  ['iam:CreateServiceLinkedRole', 'EC2, at the first spot instance of an account'],
  ['sqs:GetQueueAttributes', 'a request whose client has left: worker/requests/postpone.test.ts'],
  ['s3:CreateBucket', 'what the stack has made already: local/conformance.test.ts'],
  ['sqs:CreateQueue', 'what the stack has made already: local/conformance.test.ts'],
  ...[
    'cloudformation:DescribeStackEvents',
    's3:AbortMultipartUpload',
    's3:DeleteObjectVersion',
  ].map((action) => [action, 'old versions, unfinished uploads, refusals: deploy/destroy.test.ts']),
  ['cloudformation:SignalResource', 'a web instance that has booted: deploy/signal-ready.test.ts'],
  ['ssm:GetParameter', 'the settings of an instance: deploy/stack/settings.test.ts'],
  ...['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => [action, 'the log agent']),
  ...[
    'ssm:UpdateInstanceInformation',
    'ssmmessages:CreateControlChannel',
    'ssmmessages:CreateDataChannel',
    'ssmmessages:OpenControlChannel',
    'ssmmessages:OpenDataChannel',
  ].map((action) => [action, 'the SSM agent']),
]);

/** Whether a call failed for want of a right, and not for another reason. */
export async function isRefused(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => false,
    (error: Error & { $metadata?: { httpStatusCode?: number } }) =>
      /AccessDenied|UnauthorizedOperation/.test(error.name) ||
      error.name === '403' ||
      error.$metadata?.httpStatusCode === 403,
  );
}
