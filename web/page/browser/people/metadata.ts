/** Free data about a person: shown in a line, and edited as rows of a name and a value. */
import { h } from '../dom.ts';

export type Metadata = Readonly<Record<string, unknown>>;

export interface MetadataField {
  readonly element: HTMLElement;
  /** As the rows say; undefined where there are none. */
  value(): Metadata | undefined;
  isChanged(): boolean;
}

interface Row {
  readonly element: HTMLElement;
  readonly name: HTMLInputElement;
  readonly value: HTMLInputElement;
  /** What the value was read from. */
  readonly given: unknown;
}

const MOST_LETTERS = 1000;

/** `room: 12 · team: Blue` */
export function metadataInWords(metadata: Metadata): string {
  return Object.entries(metadata)
    .map(([name, value]) => `${name}: ${textOf(value)}`)
    .join(' · ');
}

export function metadataField(metadata: Metadata = {}): MetadataField {
  const rows: Row[] = [];
  const list = h('div', { class: 'metadata-rows' });
  const more = h('button', { type: 'button' }, 'Add data');
  const add = (name: string, given: unknown): Row => {
    const row = makeRow(name, given, () => {
      const at = rows.indexOf(row);
      rows.splice(at, 1);
      row.element.remove();
      (rows[at]?.name ?? more).focus();
    });
    rows.push(row);
    list.append(row.element);
    return row;
  };
  for (const [name, value] of Object.entries(metadata)) add(name, value);
  more.addEventListener('click', () => add('', '').name.focus());
  const value = (): Metadata | undefined => {
    const entries = rows
      .map((row): [string, unknown] => [row.name.value.trim(), readValue(row)])
      .filter(([name]) => name !== '');
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };
  const before = JSON.stringify(metadata);
  return {
    element: h(
      'fieldset',
      { class: 'metadata' },
      h('legend', {}, 'Other data'),
      list,
      h('div', {}, more),
    ),
    value,
    isChanged: () => JSON.stringify(value() ?? {}) !== before,
  };
}

function makeRow(name: string, given: unknown, onRemove: () => void): Row {
  const names = h('input', {
    'aria-label': 'Name of the data',
    maxlength: MOST_LETTERS,
    value: name,
  });
  const values = h('input', {
    'aria-label': 'Value of the data',
    maxlength: MOST_LETTERS,
    value: textOf(given),
  });
  const remove = h('button', { type: 'button', 'aria-label': 'Remove this data' }, '×');
  remove.addEventListener('click', onRemove);
  const element = h('div', { class: 'metadata-row' }, names, values, remove);
  return { element, name: names, value: values, given };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A text stays a text; what was a number, a list or another value of JSON may become another one. */
function readValue({ value, given }: Row): unknown {
  if (value.value === textOf(given)) return given;
  if (typeof given === 'string') return value.value;
  try {
    return JSON.parse(value.value);
  } catch {
    return value.value;
  }
}
