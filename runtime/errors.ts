/**
 * The root of this project's typed errors. A message says what is wrong and what to do about it; the cause is
 * kept.
 */
export class ElasticFaceError extends Error {
  /** A stable, machine-readable word for the kind of failure, e.g. `settings` or `checkpoint`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What most kinds of error extend: they differ in name and code only. */
export type ErrorClass = new (message: string, options?: ErrorOptions) => ElasticFaceError;

export function errorClass(code: string): ErrorClass {
  return class extends ElasticFaceError {
    constructor(message: string, options?: ErrorOptions) {
      super(code, message, options);
    }
  };
}

/** A setting (environment variable or flag) has a value the program cannot run with. */
export class SettingsError extends errorClass('settings') {}

/** The text of anything thrown, for logs and messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of an error of the system or of Node, e.g. `ENOENT`. */
export function errorCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
