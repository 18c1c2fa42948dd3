/** The field for the day after which a person is forgotten: a day for people, a moment for the API. */
import { h } from '../dom.ts';

export interface ExpiryField {
  readonly element: HTMLElement;
  /** Undefined for never. */
  moment(): string | undefined;
  /** Whether it is another day than at first. */
  isChanged(): boolean;
}

/** @param expires ISO 8601 */
export function expiryField(expires?: string): ExpiryField {
  const before = expires === undefined ? '' : dayOf(expires);
  const input = h('input', { type: 'date', autocomplete: 'off', value: before });
  return {
    element: h('label', { class: 'field' }, 'Forget automatically after', input),
    moment: () => (input.value === '' ? undefined : endOfDay(input.value)),
    isChanged: () => input.value !== before,
  };
}

/** The last second of `2026-12-31` in the reader's time zone. */
function endOfDay(day: string): string {
  return new Date(`${day}T23:59:59`).toISOString();
}

/** `2026-12-31`, as a field of type date takes it. */
function dayOf(moment: string): string {
  const at = new Date(moment);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
