/** Credentials in URLs: whether there are any, and the URL without them. Connects to nothing. */

/** Whether an address names a user or a password: either may be the secret. */
export function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

/** The address as it may be shown or logged. */
export function withoutCredentials(url: string): string {
  if (!hasCredentials(url)) return new URL(url).href;
  const shown = new URL(url);
  shown.username = '***';
  shown.password = '';
  return shown.href;
}

/** Another program's words without the credentials of the addresses in them. */
export function hideCredentials(text: string): string {
  return text.replace(/\/\/[^\s/@]+@/g, '//***@');
}
