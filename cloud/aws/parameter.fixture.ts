/** Writes a parameter as a deployment does: unsigned, since no local cloud asks for a signature. */
import assert from 'node:assert/strict';

export async function putParameter(url: string, Name: string, Value: string): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonSSM.PutParameter',
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ Name, Value, Type: 'String', Overwrite: true }),
  });
  assert.ok(answer.ok, await answer.text());
}
