/** Words that several actions on people share. */
import { errorCodeOf, messageOf, SettingsError } from '../../runtime/errors.ts';

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** @param what could not be done, e.g. "write gallery.jsonl": nothing that is there is replaced */
export function cannotMake(what: string, cause: unknown): SettingsError {
  const isThere = errorCodeOf(cause) === 'EEXIST';
  const why = isThere ? 'it is there already, choose another name' : messageOf(cause);
  return new SettingsError(`Cannot ${what}: ${why}.`, { cause });
}
