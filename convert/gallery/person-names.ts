/**
 * Names of people: what a name may hold, and which names may be one person's. Knows no folder and no
 * gallery file.
 */
/** Longest name, in characters; folders have up to 255 bytes. */
const LONGEST_NAME = 255;

/** What answers cannot carry: a line is a name's end, and SQS takes no other control characters. */
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]/u;

/** The name as answers give it: NFC, without outer spaces. */
export function cleanName(given: string): string {
  return given.normalize('NFC').trim();
}

/** Why no answer can carry a name, to be said after it; undefined where one can. */
export function nameFault(given: string): string | undefined {
  const name = cleanName(given);
  if (name === '') return 'is empty';
  if (name.length > LONGEST_NAME) return `has more than ${LONGEST_NAME} characters`;
  const [bad] = FORBIDDEN.exec(name) ?? [];
  return bad && `has the control character ${codeOf(bad)}`;
}

/**
 * One sentence for each thing about the names that a person should look at.
 * @param given the names as they are written
 */
export function nameDoubts(given: readonly string[]): string[] {
  const written = [...new Set(given.map((name) => name.normalize('NFC')))];
  const doubts: string[] = [];
  for (const alike of Map.groupBy(written, likenessOf).values()) {
    if (alike.length < 2) continue;
    const areOne = new Set(alike.map(cleanName)).size === 1;
    doubts.push(
      `${alike.map(quotedName).join(' and ')} ` +
        (areOne
          ? 'differ only in outer spaces and are taken as one person'
          : 'look like one name: are they one person?'),
    );
  }
  for (const name of written) {
    if (!name.includes(':')) continue;
    doubts.push(
      `${quotedName(name)} has a colon, which also ends the photo’s name in a one-line answer`,
    );
  }
  return doubts;
}

/** The same for names that people take for one: in case, spaces, accents, dashes, quotes or alphabet. */
function likenessOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[\u0300-\u036F\p{Default_Ignorable_Code_Point}]/gu, '')
    .toUpperCase()
    .toLowerCase()
    .replace(/\p{Pd}/gu, '-')
    .replace(/[’‘‛′ʼʹ`´]/g, "'")
    .replace(/[\s_]+/g, ' ')
    .trim();
  return Array.from(plain, (letter) => LATIN_LIKENESS.get(letter) ?? letter).join('');
}

/**
 * Letters of other alphabets that look like a Latin one, lower case. Source: Unicode's confusables.txt
 * (UTS #39), the letters that keyboards have.
 */
const LATIN_LIKENESS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    // Cyrillic
    ...{ а: 'a', в: 'b', е: 'e', һ: 'h', і: 'i', ј: 'j', к: 'k', м: 'm', н: 'h', о: 'o', р: 'p' },
    ...{ с: 'c', т: 't', у: 'y', х: 'x', ѕ: 's', ԁ: 'd', ԛ: 'q', ԝ: 'w', ӏ: 'l' },
    // Greek
    ...{ α: 'a', β: 'b', ε: 'e', η: 'h', ι: 'i', κ: 'k', μ: 'm', ν: 'v', ο: 'o', ρ: 'p' },
    ...{ τ: 't', υ: 'y', χ: 'x', ζ: 'z' },
    ...{ ı: 'i', ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd' },
  }),
);

/** In quotes, with the codes of control characters and of spaces other than the usual one. */
export function quotedName(name: string): string {
  return `“${name.slice(0, LONGEST_NAME).replace(/[^\P{C}]|[^\P{Z} ]/gu, (one) => `<${codeOf(one)}>`)}”`;
}

function codeOf(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
}
