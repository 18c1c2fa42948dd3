/**
 * The one root of this project's typed errors. A message says what happened and what to do about it;
 * the cause is kept.
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

/** A setting (environment variable or flag) has a value the program cannot run with. */
export class SettingsError extends ElasticFaceError {
  constructor(message: string, options?: ErrorOptions) {
    super('settings', message, options);
  }
}

/** The text of anything thrown, for logs and messages. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of an error of the system or of Node, e.g. `ENOENT`. */
export function errorCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
