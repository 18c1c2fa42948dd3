/**
 * Which bucket and key a request means: the path's first part is the bucket (path style), unless the
 * host name starts with one (virtual-host style). Pure.
 */
import { S3Error } from './errors.ts';

export interface Address {
  /** Empty for the service itself. */
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
}

/** Names below these are buckets; any other host name is only a name of this endpoint. */
const OWN_SUFFIXES = ['localhost', 'host.docker.internal'];
/** `s3`, `s3.eu-west-1` or `s3-eu-west-1` between the bucket and the domain. */
const S3_LABEL = /^(.+?)\.s3(?:[.-][a-z0-9-]+)*(?:\.|$)/;

/**
 * @param url path and query, as sent
 * @param isUpload whether the body is an object's rather than a bucket's configuration
 * @param hasBucket tells a bucket's name from another name of this endpoint
 * @throws {S3Error} InvalidURI for a path that is not percent-encoded UTF-8
 */
export function addressOf(
  url: string,
  host: string,
  isUpload: boolean,
  hasBucket: (name: string) => boolean,
): Address {
  const path = decoded(pathOf(url));
  const byHost = bucketInHost(host);
  const inPath = splitPath(path);
  if (byHost === undefined) return inPath;
  // `cloud.localhost` may be the endpoint's own name, with the bucket in the path. An upload to a
  // missing bucket must not become a new bucket of the key's name.
  const isEndpoint = !byHost.certain && !hasBucket(byHost.name) && path !== '';
  if (isEndpoint && !(isUpload && inPath.key === '')) return inPath;
  return { bucket: byHost.name, key: path };
}

function bucketInHost(host: string): { name: string; certain: boolean } | undefined {
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  if (!name.includes('.') || /^[\d.]+$/.test(name) || name.startsWith('[')) return undefined;
  const labelled = S3_LABEL.exec(name);
  if (labelled !== null) return { name: labelled[1]!, certain: true };
  if (/^s3[.-]/.test(name)) return undefined;
  const suffix = OWN_SUFFIXES.find((own) => name.endsWith(`.${own}`));
  return suffix === undefined
    ? undefined
    : { name: name.slice(0, -suffix.length - 1), certain: false };
}

/** Without the leading slash. Nothing is normalized: `..` and `//` belong to keys. */
function pathOf(url: string): string {
  const path = url.split('?', 1)[0]!;
  return path.replace(/^https?:\/\/[^/]*/i, '').replace(/^\//, '');
}

function splitPath(path: string): Address {
  const slash = path.indexOf('/');
  return slash < 0
    ? { bucket: path, key: '' }
    : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new S3Error('InvalidURI', 400, "Couldn't parse the specified URI.", { cause });
  }
}
