import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { packageFolder } from '../../runtime/installation.ts';
import { requireReleasable } from './release.ts';

const filled = {
  author: 'Ada <ada@faces.example>',
  homepage: 'https://faces.example',
  repository: { type: 'git', url: 'git+https://faces.example/elastic-face.git' },
  bugs: { url: 'https://faces.example/issues', email: 'security@faces.example' },
};

it('a package with addresses of its own may be published', () => {
  requireReleasable(filled);
});

for (const field of Object.keys(filled) as (keyof typeof filled)[]) {
  it(`a package without ${field}, or with a placeholder in it, is refused by that name`, () => {
    const { [field]: _, ...missing } = filled;
    assert.throws(() => requireReleasable(missing), new RegExp(`published: ${field} is missing`));
    const text = JSON.stringify(filled[field]).replace('faces.example', 'placeholder.invalid');
    assert.throws(
      () => requireReleasable({ ...filled, [field]: JSON.parse(text) }),
      new RegExp(`published: ${field} is missing or a placeholder`),
    );
  });
}

it('this checkout is not published before its placeholders are filled in', async () => {
  const manifest = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
  const isPlaceholder = JSON.stringify(manifest).includes('placeholder.invalid');
  const [command = '', script = ''] = String(manifest.scripts.prepublishOnly).split(' ');
  assert.equal(command, 'node');
  const code = await new Promise((resolve) => {
    execFile(process.execPath, [script], { cwd: packageFolder }, (error) =>
      resolve(error?.code ?? 0),
    );
  });
  assert.equal(code, isPlaceholder ? 1 : 0);
});
