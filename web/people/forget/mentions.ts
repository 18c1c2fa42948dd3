/** Finds a person in texts: by id, and by name as a whole word, so that "Ada" is not found in "Adam". */

export type Mentions = (text: string) => boolean;

export function mentionsOf(ids: readonly string[], names: readonly string[]): Mentions {
  const words = names.flatMap((name) => [name, JSON.stringify(name).slice(1, -1)]);
  const patterns = [...new Set([...ids, ...words])].map((text) =>
    text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
  );
  const pattern = new RegExp(
    `(?<![\\p{L}\\p{N}])(?:${patterns.join('|')})(?![\\p{L}\\p{N}\\p{M}])`,
    'u',
  );
  return (text) => pattern.test(text);
}
