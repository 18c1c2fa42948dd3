/** A real pseudo-terminal for tests, by Python's own module, and what a person would see on it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program on a terminal; on standard input: `size ROWS COLUMNS`, or `interrupt` for Ctrl-C. */
const RELAY = `
import fcntl, os, pty, select, struct, sys, termios
rows, columns = int(sys.argv[1]), int(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0:
    sys.stdin.readline()
    os.execvp(sys.argv[3], sys.argv[3:])
def size(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(rows, columns)
os.write(terminal, b'\\n')
while True:
    ready = select.select([terminal, 0], [], [])[0]
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        words = os.read(0, 1024).split()
        if not words:
            break
        if words[0] == b'size':
            size(int(words[1]), int(words[2]))
        else:
            os.write(terminal, b'\\x03')
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

export class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown[]>;
  /** Every byte that came. */
  output = '';

  constructor(
    command: readonly string[],
    environment: NodeJS.ProcessEnv,
    { rows = 24, columns = 100 } = {},
  ) {
    this.#child = spawn('python3', ['-c', RELAY, `${rows}`, `${columns}`, ...command], {
      env: environment,
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.#exit = once(this.#child, 'close');
  }

  /** The lines on it, as they stand. */
  get lines(): string[] {
    return screenOf(this.output);
  }

  resize(rows: number, columns: number): void {
    this.#child.stdin.write(`size ${rows} ${columns}\n`);
  }

  interrupt(): void {
    this.#child.stdin.write('interrupt\n');
  }

  /** Its exit code, once it ended. */
  async ended(): Promise<unknown> {
    return (await this.#exit)[0];
  }

  kill(): void {
    this.#child.kill();
  }
}

/** Of what terminals obey, as much as is used here; anything else fails the test that meets it. */
const TOKENS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are told so
  /\u001b\[(?<values>[?\d;]*)(?<command>[A-Za-z])|(?<text>[^\u001b\r\n]+)|(?<control>\u001b[78]|[\r\n\u001b])/gu;

/** Rows are as long as they are written: nothing that is shown may reach a terminal's edge. */
function screenOf(output: string): string[] {
  const rows: string[] = [''];
  let row = 0;
  let column = 0;
  let saved: readonly [number, number] = [0, 0];
  for (const { groups = {} } of output.matchAll(TOKENS)) {
    const { values = '', command, text, control } = groups;
    const count = Number(values) || 1;
    if (text !== undefined) {
      const old = [...(rows[row] ?? '').padEnd(column)];
      old.splice(column, [...text].length, ...text);
      rows[row] = old.join('');
      column += [...text].length;
    } else if (control === '\r' || command === 'G') column = 0;
    else if (control === '\n') row += 1;
    else if (control === '\u001b7') saved = [row, column];
    else if (control === '\u001b8') [row, column] = saved;
    else if (command === 'A') row = Math.max(0, row - count);
    else if (command === 'B') row += count;
    else if (command === 'E') [row, column] = [row + count, 0];
    else if (command === 'K') rows[row] = values === '2' ? '' : (rows[row] ?? '').slice(0, column);
    else if (command === 'J') {
      rows.length = row + 1;
      rows[row] = (rows[row] ?? '').slice(0, column);
    } else if (command !== 'm' && command !== 'h' && command !== 'l') {
      throw new Error(`The screen does not know ${JSON.stringify([values, command, control])}.`);
    }
    while (rows.length <= row) rows.push('');
  }
  return rows.map((line) => line.trimEnd());
}
