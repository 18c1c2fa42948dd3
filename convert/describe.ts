/** A conversion in one line, for people. */
import type { Conversion } from './convert-model.ts';

/** @param milliseconds how long it took */
export function describeConversion(conversion: Conversion, milliseconds: number): string {
  const { directory, converted, people, tests } = conversion;
  const known = `${people} ${people === 1 ? 'person' : 'people'}`;
  if (!converted) return `${directory} is up to date (${known}): nothing to convert.`;
  const engines = tests.map(({ backend, deviations }) => {
    const most = Math.max(...Object.values(deviations));
    return `${backend} off by ${most.toExponential(1)}`;
  });
  const seconds = (milliseconds / 1000).toFixed(1);
  return `Converted into ${directory} in ${seconds} s: ${known}, answers compared with PyTorch's (${engines.join(', ')}).`;
}
