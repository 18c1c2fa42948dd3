/**
 * What a client gets whose bytes never became a request: slow, overlong or no HTTP at all. One sentence
 * like every other refusal; nothing of it is logged but the kind of fault.
 */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../../runtime/log.ts';

/** For a refusal to reach a client that is still sending. */
const LAST_WORDS_MS = 500;

function refusal(code: string | undefined): { status: number; sentence: string } {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, sentence: 'The request did not arrive in time: send it faster.' };
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, sentence: 'The headers of this request are too large.' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, sentence: 'The chunks of this request carry too many extensions.' };
    default:
      return { status: 400, sentence: 'This is not an HTTP request that can be read.' };
  }
}

/** Answers what Node's parser refuses. */
export function answerClientErrors(server: Server, log: Logger): void {
  const answers = new WeakMap<Socket, ServerResponse>();
  const remember = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    answers.set(socket, response);
  };
  server.on('request', remember);
  server.on('checkContinue', remember);
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    const answer = answers.get(socket);
    const { status, sentence } = refusal(error.code);
    log.info({ status, code: error.code }, 'request cannot be read');
    // An answer may be on its way, or sent before all of its request came: nothing goes after it.
    const isOver = answer === undefined || (answer.writableFinished && answer.req.complete);
    if (!socket.writable || (answer?.headersSent && !isOver)) {
      socket.destroy();
      return;
    }
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
        'Content-Type: text/plain; charset=utf-8\r\n' +
        `Content-Length: ${Buffer.byteLength(sentence)}\r\n\r\n${sentence}`,
    );
    // At once, what still comes would reset the connection and take the sentence with it.
    setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
  });
}
