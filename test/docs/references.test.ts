/** What the documentation names is there: pages, headings, files, commands, flags, settings. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { settingsSchema } from '../../runtime/settings.ts';
import { anchorsOf, CHECKOUT, documentation, linksOf, type Page } from './markdown.fixture.ts';

const run = promisify(execFile);
const pages = await documentation();
const packageSchema = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = packageSchema.parse(
  JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')),
);

/** Variables of other programs, and of tests, which are no settings of the services. */
const OTHERS =
  /^(?:API_KEY|ARM64|AWS_DEFAULT_REGION|BAKE|BOOT(?:_FOLDER)?|CLIENTS|DEAD_LETTERS|FLUENT_BIT|FUZZ_CASES|GALLERY_SECONDS|GLIBC_TUNABLES|HOSTILE_CLIENTS|HTTPS?_PROXY|LOAD_CLIENTS|NO_PROXY|OUTAGE_SECONDS|OVERLOAD_SECONDS|PEOPLE_(?:TRIES|WORKERS)|ROLES|SETTINGS_CHANGE|WAITING_CLIENTS|(?:MADV|MALLOC|NODE|ONEDNN|OTEL|TF)_\w+)$/;

/** Those whose first word is a command of its own, with a help of its own. */
const WITH_SUBCOMMANDS: ReadonlySet<string> = new Set(['bench', 'dead-letters', 'deploy']);

interface NpmRun {
  readonly script: string;
  /** All behind the ` -- `. */
  readonly rest: string;
}

function npmRunsOf(text: string): NpmRun[] {
  const lines = text.replace(/\\\n\s*/g, '');
  return [...lines.matchAll(/npm run (?:-s )?([\w:-]+)(?: -- ([^`\n]*?)(?= && |`|\n|$))?/g)].map(
    ([, script, rest = '']) => ({ script: script!, rest }),
  );
}

const helps = new Map<string, Promise<string>>();

function helpOf(words: string): Promise<string> {
  const asked =
    helps.get(words) ??
    run(process.execPath, [...words.split(' '), '--help'], { cwd: CHECKOUT }).then(
      ({ stdout }) => stdout,
    );
  helps.set(words, asked);
  return asked;
}

for (const page of pages) {
  describe(page.path, () => {
    it('links to pages, pictures and headings that are there', () => {
      for (const { file, anchor } of linksOf(page)) {
        assert.ok(existsSync(join(CHECKOUT, file)), `${file} is linked and not there`);
        if (anchor === undefined) continue;
        const target = pages.find(({ path }) => path === file);
        assert.ok(target, `#${anchor} is linked in ${file}, which is no page`);
        assert.ok(anchorsOf(target).has(anchor), `${file} has no heading #${anchor}`);
      }
    });

    it('names files that are there', () => {
      const named = page.text.matchAll(
        /(?<![\w./("-])(?:\w[\w-]*\/)+[\w.-]+\.(?:ts|md|svg|sh|yaml|service)\b/g,
      );
      for (const [file] of named) {
        assert.ok(existsSync(join(CHECKOUT, file)), `${file} is named and not there`);
      }
    });

    it('marks what a shell runs as sh, so that it is tried', () => {
      const [other] = /^ *```(?:bash|shell|console|zsh)$/m.exec(page.text) ?? [];
      assert.equal(other, undefined);
    });

    it('names scripts of package.json, with flags that they know', async () => {
      for (const { script, rest } of npmRunsOf(page.text)) {
        assert.ok(scripts[script], `npm run ${script} is named and not in package.json`);
        const flags = [...rest.matchAll(/(?<=^|[\s[])--([a-z][\w-]*)/gi)].map(([, flag]) => flag!);
        if (flags.length === 0) continue;
        const command = scripts[script].replace(/^node /, '');
        const [sub = ''] = /^[a-z]+/.exec(rest) ?? [];
        const help = await helpOf(
          sub && WITH_SUBCOMMANDS.has(script) ? `${command} ${sub}` : command,
        );
        for (const flag of flags) {
          assert.match(help, new RegExp(`--(?:no-)?${flag}(?![\\w-])`), `npm run ${script}`);
        }
      }
    });

    it('names settings that there are', () => {
      const known = Object.keys(settingsSchema.shape);
      const named = [
        ...page.text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]*)+)(?:[*…])?(?:=[^`]*)?`/g),
        ...page.text.matchAll(/^ *(?:export )?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=/gm),
      ].map(([, name]) => name!);
      for (const name of named.filter((one) => !known.includes(one) && !OTHERS.test(one))) {
        const begins = name.endsWith('_') && known.some((one) => one.startsWith(name));
        assert.ok(begins, `${name} is named and no setting`);
      }
    });
  });
}

it('every page of docs/ is in the index, which the README links to', () => {
  const [readme, index] = ['README.md', 'docs/README.md'].map((path) =>
    pages.find((page) => page.path === path),
  );
  assert.ok(readme && index);
  assert.ok(linksOf(readme).some(({ file }) => file === index.path));
  const listed = new Set(
    pages.filter(isIndex).flatMap((page) => linksOf(page).map(({ file }) => file)),
  );
  for (const { path } of pages.filter((page) => page !== index)) {
    assert.ok(listed.has(path), `${path} is listed neither in README.md nor in an index of docs/`);
  }
});

function isIndex({ path }: Page): boolean {
  return path.endsWith('README.md') || path === 'CONTRIBUTING.md';
}
