/**
 * One of the folder's SavedModels, loaded when it is first needed. TensorFlow maps the weights file by an
 * absolute path in the graph, and needs the graph in a folder of its own: while it loads, it gets a temporary
 * copy of the graph with that path.
 */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../../runtime/errors.ts';
import { commandLine } from '../../runtime/installation.ts';
import { ModelError } from '../errors.ts';
import { paddedWeightsPath } from '../format.ts';
import type { Addon } from '../native/load.ts';

const TAG = 'serve';
/** TensorFlow's file name for a SavedModel's graph. */
const GRAPH_FILE = 'saved_model.pb';
/** Linux's paths of open files. */
const OPEN_FILES = '/proc/self/fd';

/** File names of a graph and of its weights in the model's folder. */
export interface SavedModelFiles {
  readonly graph: string;
  /** Absent if the graph makes its own weights. */
  readonly weights?: string;
}

export class SavedModel {
  readonly #addon: Addon;
  readonly #directory: string;
  readonly #files: SavedModelFiles;
  readonly #graph: Buffer;
  /** Kept open until it is loaded, because a conversion may replace the file. */
  #weights: number | undefined;
  #number: number | undefined;

  /** @throws {ModelError} when a file is missing */
  constructor(addon: Addon, directory: string, files: SavedModelFiles) {
    this.#addon = addon;
    this.#directory = directory;
    this.#files = files;
    this.#graph = this.#present(files.graph, (path) => readFileSync(path));
    if (files.weights !== undefined) {
      this.#weights = this.#present(files.weights, (path) => openSync(path, 'r'));
    }
  }

  #present<T>(file: string, get: (path: string) => T): T {
    try {
      return get(join(this.#directory, file));
    } catch (cause) {
      throw new ModelError(
        `There is no ${file} in ${this.#directory}: convert the model with \`${commandLine('convert')}\`.`,
        { cause },
      );
    }
  }

  /**
   * Loads it, if it is not loaded yet.
   * @returns the addon's number for it
   * @throws {ModelError} when it cannot be read
   */
  load(): number {
    if (this.#number !== undefined) return this.#number;
    const graph = this.#placed();
    const folder = temporaryFolder();
    try {
      writeFileSync(join(folder, GRAPH_FILE), graph);
      this.#number = this.#addon.loadSavedModel(folder, TAG);
    } catch (cause) {
      throw this.#unreadable(messageOf(cause).split('\n')[0]!, cause);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    this.#close();
    return this.#number;
  }

  dispose(): void {
    this.#close();
    if (this.#number !== undefined) this.#addon.deleteSavedModel(this.#number);
    this.#number = undefined;
  }

  /** The graph with the absolute path of its weights in the bytes reserved for it. */
  #placed(): Buffer {
    const { weights } = this.#files;
    if (weights === undefined) return this.#graph;
    const at = this.#graph.indexOf(paddedWeightsPath(weights));
    if (at < 0) throw this.#unreadable('it does not say where its weights are');
    const path = existsSync(OPEN_FILES)
      ? join(OPEN_FILES, String(this.#weights))
      : resolve(this.#directory, weights);
    this.#graph.write(paddedWeightsPath(path), at);
    return this.#graph;
  }

  #unreadable(reason: string, cause?: unknown): ModelError {
    return new ModelError(
      `${this.#files.graph} in ${this.#directory} cannot be loaded (${reason}): convert the model again with \`${commandLine('convert')}\`.`,
      { cause },
    );
  }

  #close(): void {
    if (this.#weights !== undefined) closeSync(this.#weights);
    this.#weights = undefined;
  }
}

/** @throws {ModelError} */
function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'elastic-face-graph-'));
  } catch (cause) {
    throw new ModelError(
      `A model needs a temporary folder while it loads, and ${tmpdir()} takes none (${messageOf(cause)}): set TMPDIR to one that can be written to.`,
      { cause },
    );
  }
}
