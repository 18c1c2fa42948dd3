/** S3's checksums over bytes. Knows no request. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc32c, Crc64NvmeJs } from '@aws-sdk/checksums/crc';

export type Algorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

export interface Checksum {
  readonly algorithm: Algorithm;
  /** Base64; a composite one ends with its number of parts. */
  readonly value: string;
}

const BYTES: Readonly<Record<Algorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};
export const ALGORITHMS = Object.keys(BYTES) as readonly Algorithm[];

export function algorithmOf(name: string): Algorithm | undefined {
  return ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());
}

export function headerOf(algorithm: Algorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Whether a value can be a checksum of the algorithm at all. */
export function isWellFormed({ algorithm, value }: Checksum): boolean {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === BYTES[algorithm] && bytes.toString('base64') === value;
}

export async function checksumOf(algorithm: Algorithm, bytes: Buffer): Promise<string> {
  switch (algorithm) {
    case 'CRC32': {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(crc32(bytes) >>> 0);
      return value.toString('base64');
    }
    case 'CRC32C':
      return digestOf(new Crc32c(), bytes);
    case 'CRC64NVME':
      return digestOf(new Crc64NvmeJs(), bytes);
    default:
      return createHash(algorithm.toLowerCase()).update(bytes).digest('base64');
  }
}

/** A checksum over the checksums of an upload's parts. */
export async function compositeOf(algorithm: Algorithm, parts: readonly string[]): Promise<string> {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part, 'base64')));
  return `${await checksumOf(algorithm, bytes)}-${parts.length}`;
}

interface Digest {
  update(bytes: Uint8Array): void;
  digest(): Promise<Uint8Array>;
}

async function digestOf(digest: Digest, bytes: Buffer): Promise<string> {
  digest.update(bytes);
  return Buffer.from(await digest.digest()).toString('base64');
}
