/** The documentation's pages, and what stands in them: commands, links, headings. */
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export const CHECKOUT = join(import.meta.dirname, '../..');

export interface Page {
  /** From the checkout, e.g. `docs/enrol.md`. */
  readonly path: string;
  readonly text: string;
}

export interface Command {
  /** As a shell takes it, in one line. */
  readonly line: string;
  /** Comments below it: what it prints, with … for what differs from run to run. */
  readonly prints: readonly string[];
}

export interface Link {
  /** Path from the checkout. */
  readonly file: string;
  readonly anchor: string | undefined;
}

export async function documentation(): Promise<Page[]> {
  const paths = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
  for await (const path of glob('docs/**/*.md', { cwd: CHECKOUT })) paths.push(path);
  return paths
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(CHECKOUT, path), 'utf8') }));
}

/** The commands of every sh block, in their order. */
export function commandsOf({ text }: Page): Command[] {
  const blocks = [...text.matchAll(/^( *)```sh\n([\s\S]*?)\n\1```$/gm)];
  return blocks.flatMap(([, , block]) => commandsIn(block!));
}

export function commandsIn(block: string): Command[] {
  const commands: { line: string; prints: string[] }[] = [];
  for (const line of block.replace(/\\\n\s*/g, '').split('\n')) {
    const [, comment] = /^\s*# ?(.*)$/.exec(line) ?? [];
    if (comment !== undefined) commands.at(-1)?.prints.push(comment);
    else {
      const parts = line.replace(/\s+# .*$/, '').split(' && ');
      for (const part of parts.filter((one) => one.trim())) {
        commands.push({ line: part.trim(), prints: [] });
      }
    }
  }
  return commands;
}

/** Links and pictures that stay within the checkout. */
export function linksOf({ path, text }: Page): Link[] {
  const found = [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)|\b(?:src|href)="([^"]+)"/g)];
  return found
    .map(([, inText, inHtml]) => inText ?? inHtml!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file, anchor] = target.split('#');
      return { file: file ? relative('.', join(dirname(path), file)) : path, anchor };
    });
}

/** What a heading is linked by, as GitHub makes it. */
export function anchorsOf({ text }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutBlocks(text).matchAll(/^#+ (.+)$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

function withoutBlocks(text: string): string {
  return text.replace(/^( *)```[\s\S]*?\n\1```$/gm, '');
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, '');
}
