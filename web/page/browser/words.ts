/** Writes numbers, times and names for people. */

export function milliseconds(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** `14:03:22`, in the reader's time zone. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], { hourCycle: 'h23' });
}

/** A file name, shortened in its middle. */
export function shortName(name: string): string {
  return name.length <= 32 ? name : `${name.slice(0, 20)}…${name.slice(-10)}`;
}

/** `31 Dec 2026`, in the reader's language. */
export function dayInWords(moment: string): string {
  return new Date(moment).toLocaleDateString([], { dateStyle: 'medium' });
}

export function momentInWords(moment: string): string {
  return new Date(moment).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

/** `1 in 20,000 strangers is as near.` */
export function oddsInWords(odds: number): string {
  if (odds < 1.5) return 'Most strangers are as near.';
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(odds)) - 1);
  return `1 in ${(Math.floor(odds / digits) * digits).toLocaleString('en')} strangers is as near.`;
}
