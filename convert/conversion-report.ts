/** A conversion in one line for people, and a gallery of the user's own photos in some more. */
import type { Conversion } from './convert-model.ts';
import { leftOutLines } from './gallery/gallery-folder.ts';
import type { PhotosReport } from './gallery/make-gallery.ts';

/** @param milliseconds how long it took */
export function describeConversion(conversion: Conversion, milliseconds: number): string {
  const { directory, converted, people, tests, photos, doubts, note } = conversion;
  const known = `${people} ${people === 1 ? 'person' : 'people'}`;
  const notes = note === undefined ? [] : [note];
  if (!converted) {
    return [...notes, `${directory} is up to date (${known}): nothing to convert.`].join('\n');
  }
  const engines = tests.map(({ backend, deviations }) => {
    const most = Math.max(...Object.values(deviations));
    return `${backend} off by ${most.toExponential(1)}`;
  });
  const seconds = (milliseconds / 1000).toFixed(1);
  return [
    ...notes,
    `Converted into ${directory} in ${seconds} s: ${known}, answers compared with the reference's (${engines.join(', ')}).`,
    ...(photos === undefined ? [] : describePhotos(photos, known)),
    ...(doubts.length > 0 ? ['Please look at these again:'] : []),
    ...doubts.map((doubt) => `  ${doubt}`),
  ].join('\n');
}

function describePhotos({ used, leftOut, passedOver }: PhotosReport, known: string): string[] {
  const count = (n: number, one: string, more: string) => `${n} ${n === 1 ? one : more}`;
  return [
    `The gallery has ${count(used, 'photo', 'photos')} of ${known}; ${leftOut.length} left out${leftOut.length > 0 ? ':' : '.'}`,
    ...leftOutLines(leftOut),
    ...(passedOver.length > 0
      ? [`Files of the system were passed over: ${listed(passedOver)}.`]
      : []),
  ];
}

const MOST_LISTED = 10;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return [...names.slice(0, MOST_LISTED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
