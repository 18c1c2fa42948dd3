/**
 * Answers bytes that Node cannot parse as a request: too slow, too long, or not HTTP. The answer is one
 * sentence, as for every other error; only the kind of fault is logged.
 */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../../runtime/log.ts';

/** Time for the answer to reach a client that is still sending. */
const FINAL_ANSWER_MS = 500;

function answerOf(code: string | undefined): { status: number; sentence: string } {
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

/** Answers requests that Node's parser refuses. */
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
    const { status, sentence } = answerOf(error.code);
    log.info({ status, code: error.code }, 'Request cannot be read');
    // If an answer to an earlier request has begun, nothing may be sent after it.
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
    // Closed later: closing at once would reset the connection before the sentence is read.
    setTimeout(() => socket.destroy(), FINAL_ANSWER_MS).unref();
  });
}
