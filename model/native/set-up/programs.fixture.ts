/** Programs of a test's own, alone on the PATH: what a machine has or lacks, without changing this one. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class Programs {
  readonly folder: string;
  readonly #pathBefore = process.env.PATH;

  /** From now on only these programs can be found, until `restore`. */
  constructor(folder: string) {
    this.folder = folder;
    process.env.PATH = folder;
  }

  /** @param script what the program does, in shell; `--version` is answered for it */
  async add(name: string, script: string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(this.folder, { recursive: true });
    // The shell's own tools stay within its reach.
    const lines = ['#!/bin/sh', 'PATH=/usr/bin:/bin', '[ "$1" = --version ] && exit 0', script];
    await writeFile(path, `${lines.join('\n')}\n`);
    await chmod(path, 0o755);
  }

  restore(): void {
    process.env.PATH = this.#pathBefore;
  }
}
