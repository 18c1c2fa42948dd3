/** Multipart requests written byte by byte, so that tests can send what no well-behaved client would. */
import { type Agent, request as httpRequest } from 'node:http';
import sharp from 'sharp';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

const BOUNDARY = 'elastic-face-test-boundary';

export interface Part {
  readonly field?: string;
  /** Undefined makes it a plain field. */
  readonly fileName?: string;
  readonly bytes: Uint8Array | string;
}

/** The body of a multipart form; `closed: false` leaves the closing boundary out. */
export function formBody(parts: readonly Part[], { closed = true } = {}): Buffer {
  const chunks = parts.flatMap(({ field = 'inputFile', fileName, bytes }) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${field}"${
        fileName === undefined ? '' : `; filename="${fileName}"`
      }\r\n${fileName === undefined ? '' : 'Content-Type: application/octet-stream\r\n'}\r\n`,
    ),
    Buffer.from(bytes as Uint8Array),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from(closed ? `--${BOUNDARY}--\r\n` : '')]);
}

export interface PostOptions {
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

/** Posts a body as it stands and reads the whole answer. */
export function post(url: string, body: Buffer, options: PostOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      {
        method: 'POST',
        agent: options.agent,
        headers: {
          'Content-Type': options.contentType ?? `multipart/form-data; boundary=${BOUNDARY}`,
          'Content-Length': body.length,
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            headers: response.headers,
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** Posts one photo as a browser or `requests` would. */
export function postPhoto(
  url: string,
  fileName: string,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return post(url, formBody([{ fileName, bytes }]), { headers });
}

/** A small real JPEG without a face; `shade` makes its bytes differ. */
export function plainPhoto(shade = 128): Promise<Buffer> {
  return sharp({
    create: { width: 48, height: 48, channels: 3, background: { r: shade, g: shade, b: shade } },
  })
    .jpeg()
    .toBuffer();
}
