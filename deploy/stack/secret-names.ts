/** Under which names the services find the password of Redis. */

export function secretName(id: string): string {
  return `elastic-face/${id}/redis`;
}

/** Under it, Parameter Store gives the secret of Secrets Manager. */
export function secretParameterName(id: string): string {
  return `/aws/reference/secretsmanager/${secretName(id)}`;
}
