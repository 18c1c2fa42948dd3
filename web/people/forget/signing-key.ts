/** The key of a deployment that signs receipts: made once by whichever node needs it first, kept in the bucket. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
} from 'node:crypto';
import { z } from 'zod';
import type { StoredObjects } from '../../../cloud/aws/s3/stored-objects.ts';

const KEY = 'keys/receipts.json';

const storedSchema = z.object({
  /** PKCS #8, PEM. */
  privateKey: z.string(),
  made: z.iso.datetime(),
});

export interface SigningKey {
  /** First 16 hexadecimal letters of the public key's SHA-256. */
  readonly id: string;
  /** SubjectPublicKeyInfo, PEM. */
  readonly publicKey: string;
  readonly made: string;
  /** @returns Ed25519 signature, base64 */
  sign(text: string): string;
}

/** @returns a function that reads the key, or makes it; a failure is not cached */
export function openSigningKey(
  objects: Pick<StoredObjects, 'get' | 'putNew'>,
): () => Promise<SigningKey> {
  let read: Promise<SigningKey> | undefined;
  return () => {
    read ??= readOrMake(objects).catch((error: unknown) => {
      read = undefined;
      throw error;
    });
    return read;
  };
}

async function readOrMake(objects: Pick<StoredObjects, 'get' | 'putNew'>): Promise<SigningKey> {
  const stored = await objects.get(KEY);
  if (stored !== undefined) return keyFrom(stored);
  const { privateKey } = generateKeyPairSync('ed25519');
  const made = {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    made: new Date().toISOString(),
  };
  // Of two nodes that make one at once, the first wins.
  if (await objects.putNew(KEY, JSON.stringify(made), 'application/json')) return keyOf(made);
  const others = await objects.get(KEY);
  if (others === undefined) throw new Error(`There is no ${KEY} although it was just written.`);
  return keyFrom(others);
}

function keyFrom(bytes: Uint8Array): SigningKey {
  return keyOf(storedSchema.parse(JSON.parse(Buffer.from(bytes).toString())));
}

function keyOf({ privateKey, made }: z.output<typeof storedSchema>): SigningKey {
  const key = createPrivateKey(privateKey);
  const publicKey = createPublicKey(key);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(der).digest('hex').slice(0, 16),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    made,
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64'),
  };
}
