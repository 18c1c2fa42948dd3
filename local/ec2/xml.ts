/** EC2's Query protocol on the way out: answers and errors as XML. Knows the envelope, not one action. */
import { XMLBuilder } from 'fast-xml-parser';
import type { Ec2Error } from './errors.ts';

export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | XmlObject
  | readonly XmlObject[]
  | readonly string[];
export interface XmlObject {
  readonly [name: string]: XmlValue;
}

const builder = new XMLBuilder({
  attributeNamePrefix: '@',
  ignoreAttributes: false,
  suppressEmptyNode: true,
});

const HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

/** A list as EC2 writes it: `<tagSet><item>…</item></tagSet>`, and `<tagSet/>` for none. */
export function items(list: readonly XmlObject[] | readonly string[]): XmlValue {
  return list.length === 0 ? '' : { item: list };
}

export function answerXml(action: string, requestId: string, content: XmlObject): string {
  return HEADER + build({ [`${action}Response`]: { '@xmlns': NAMESPACE, requestId, ...content } });
}

export function errorXml(error: Ec2Error, requestId: string): string {
  const what = { Code: error.ec2Code, Message: writable(error.message) };
  return HEADER + build({ Response: { Errors: { Error: what }, RequestID: requestId } });
}

function build(tree: XmlObject): string {
  return String(builder.build(tree));
}

/** Error messages may quote what a client sent; XML cannot carry control characters. */
function writable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD');
}
