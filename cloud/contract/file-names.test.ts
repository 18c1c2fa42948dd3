import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFileName, type NameFault, readFileName } from './file-names.ts';
import { stemOf } from './names.ts';
import { PEOPLES_NAMES } from './peoples-names.fixture.ts';

describe('file names', () => {
  it('are taken as people’s devices write them', () => {
    for (const name of PEOPLES_NAMES) assert.equal(readFileName(name), name);
  });

  it('are the last part of a path, whatever its system', () => {
    for (const path of [
      'C:\\fakepath\\a.jpg',
      '/sdcard/a.jpg',
      '..\\..\\a.jpg',
      'a/b\\c:d/a.jpg',
    ]) {
      assert.equal(readFileName(path), 'a.jpg');
    }
  });

  it('in composed and in decomposed letters are one name', () => {
    assert.equal(readFileName('Zoe\u0308.jpg'), 'Zo\u00eb.jpg');
    assert.equal(readFileName('\u1112\u1161\u11ab.jpg'), '\ud55c.jpg');
    assert.equal(isFileName('Zoe\u0308.jpg'), false);
  });

  it('that would break the line or the key are told apart', () => {
    const kinds: Readonly<Record<NameFault['kind'], readonly string[]>> = {
      colon: ['image:1000012345', 'a:b.jpg', 'a.jpg:Zone.Identifier'],
      empty: ['', '.', '..', '...', '...jpg', 'a/', 'a\\', '   ', ' .jpg', '\u00a0.jpg'],
      control: [
        'a\nb.jpg',
        'a\u0007b',
        'a\u007fb',
        'a\u009bb',
        'a\u2028b',
        '\ud800.jpg',
        'a\uffff',
      ],
      direction: ['a\u202egpj.exe', '\u2066a.jpg', 'a\u202a'],
      long: ['n'.repeat(256), '\u{1F600}'.repeat(128)],
    };
    for (const [kind, names] of Object.entries(kinds)) {
      for (const name of names) {
        const fault = readFileName(name);
        assert.equal(typeof fault === 'string' ? fault : fault.kind, kind, JSON.stringify(name));
      }
    }
  });

  it('make a key and a line that can be read back, whatever they were', () => {
    const given = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.constantFrom(...PEOPLES_NAMES),
    );
    fc.assert(
      fc.property(given, (text) => {
        const name = readFileName(text);
        if (typeof name !== 'string') return;
        assert.ok(isFileName(name));
        assert.equal(readFileName(text.normalize('NFD')), name);
        assert.ok(Buffer.byteLength(JSON.stringify(name)) - 2 <= 765);
        assert.equal(Buffer.from(name).toString(), name);
        assert.doesNotMatch(name, /[/\\\r\n\u0085\u2028\u2029]/);
        const [stem, ...rest] = `${stemOf(name)}:Ada`.split(':');
        assert.deepEqual([stem, rest], [stemOf(name), ['Ada']]);
        assert.doesNotMatch(stemOf(name), /^\.{0,2}$/);
      }),
      { numRuns: 2000 },
    );
  });
});
