/**
 * What part of a list an answer shows: EC2's filters (every filter must match, any of its values may, `*` and
 * `?` stand for text) and its pages. Pure.
 */
import { Ec2Error, invalidValue } from '../errors.ts';
import type { Instance } from '../fleet/instance.ts';
import type { XmlObject, XmlValue } from '../xml.ts';
import { ACCOUNT, instanceXml, statusXml } from './describe.ts';
import { FILTER_NAMES } from './filter-names.ts';

export interface Filter {
  readonly Name: string;
  readonly Value: readonly string[];
}

/**
 * Whether a value matches a filter's pattern: `*` is any text, `?` one character, `\` takes the next
 * one as it is. Case counts. Walks back only to the last `*`, so that no pattern takes long.
 */
export function matchesPattern(value: string, pattern: string): boolean {
  const tokens = tokensOf(pattern);
  const text = [...value];
  let at = 0;
  let token = 0;
  let starToken = -1;
  let starAt = 0;
  while (at < text.length) {
    const expected = tokens[token];
    if (expected === ANY_TEXT) {
      starToken = token;
      starAt = at;
      token += 1;
    } else if (expected !== undefined && (expected === ANY_ONE || expected === text[at])) {
      at += 1;
      token += 1;
    } else if (starToken >= 0) {
      starAt += 1;
      at = starAt;
      token = starToken + 1;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === ANY_TEXT);
}

const ANY_TEXT = Symbol('any text');
const ANY_ONE = Symbol('any one');

function tokensOf(pattern: string): (string | symbol)[] {
  const tokens: (string | symbol)[] = [];
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === '\\' && i + 1 < characters.length) tokens.push(characters[++i]!);
    else if (character === '*') tokens.push(ANY_TEXT);
    else if (character === '?') tokens.push(ANY_ONE);
    else tokens.push(character);
  }
  return tokens;
}

/** Values of filters that the answer has under another name. */
type Renamed = Readonly<Record<string, string | ((thing: XmlObject) => readonly string[])>>;

export interface Filterable {
  /** Every filter that EC2 has for this kind of thing; `tag:` stands for `tag:<key>`. */
  readonly names: ReadonlySet<string>;
  readonly renamed?: Renamed;
}

/**
 * Those of `things`, as EC2's answers show them, that every filter matches. A filter looks where its
 * name says: `metadata-options.http-tokens` at `metadataOptions.httpTokens`.
 * @throws {Ec2Error} InvalidParameterValue for a filter that EC2 does not have
 */
export function select<T>(
  things: readonly T[],
  filters: readonly Filter[],
  { names, renamed = {} }: Filterable,
  xmlOf: (thing: T) => XmlObject,
): T[] {
  for (const { Name } of filters) {
    if (!names.has(Name) && !(names.has('tag:') && /^tag:./.test(Name))) {
      throw invalidValue(`The filter '${Name.slice(0, 100)}' is invalid`);
    }
  }
  if (filters.length === 0) return [...things];
  return things.filter((thing) => {
    const xml = xmlOf(thing);
    return filters.every(({ Name, Value }) => {
      const values = valuesOf(xml, Name, renamed);
      return values.some((value) => Value.some((pattern) => matchesPattern(value, pattern)));
    });
  });
}

function valuesOf(xml: XmlObject, name: string, renamed: Renamed): readonly string[] {
  if (name.startsWith('tag:'))
    return tagsOf(xml, (key) => key === name.slice('tag:'.length), 'value');
  if (name === 'tag-key') return tagsOf(xml, () => true, 'key');
  if (name === 'tag-value') return tagsOf(xml, () => true, 'value');
  const other = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
  return typeof other === 'function' ? other(xml) : textsAt(xml, other ?? camelCase(name));
}

function tagsOf(
  xml: XmlObject,
  isMeant: (key: string) => boolean,
  part: 'key' | 'value',
): readonly string[] {
  return childrenOf(xml.tagSet, 'item').flatMap((tag) => {
    const { key, value } = tag as { key: string; value: string };
    return isMeant(key) ? [part === 'key' ? key : value] : [];
  });
}

/** All texts at a path of elements; lists are looked through. */
export function textsAt(xml: XmlObject, path: string): string[] {
  let found: XmlValue[] = [xml];
  for (const name of path.split('.')) found = found.flatMap((value) => childrenOf(value, name));
  return found
    .flatMap((value) => (isObject(value) && 'item' in value ? childrenOf(value, 'item') : [value]))
    .filter((value) => !isObject(value) && value !== undefined)
    .map(String);
}

function childrenOf(value: XmlValue, name: string): XmlValue[] {
  if (!isObject(value)) return [];
  if (name !== 'item' && 'item' in value) {
    return childrenOf(value, 'item').flatMap((one) => childrenOf(one, name));
  }
  const child = value[name];
  return Array.isArray(child) ? child : child === undefined ? [] : [child as XmlValue];
}

function isObject(value: XmlValue): value is XmlObject {
  return typeof value === 'object' && !Array.isArray(value);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

/** Where DescribeInstances shows what its filters name otherwise. */
const INSTANCES: Filterable = {
  names: FILTER_NAMES.Instances,
  renamed: {
    'availability-zone': 'placement.availabilityZone',
    affinity: 'placement.affinity',
    'host-id': 'placement.hostId',
    'placement-group-name': 'placement.groupName',
    'placement-partition-number': 'placement.partitionNumber',
    tenancy: 'placement.tenancy',
    'instance-state-code': 'instanceState.code',
    'instance-state-name': 'instanceState.name',
    'instance.group-id': 'groupSet.groupId',
    'instance.group-name': 'groupSet.groupName',
    'launch-index': 'amiLaunchIndex',
    'monitoring-state': 'monitoring.state',
    'owner-id': () => [ACCOUNT],
    'state-reason-code': 'stateReason.code',
    'state-reason-message': 'stateReason.message',
  },
};
const STATUSES: Filterable = {
  names: FILTER_NAMES.InstanceStatus,
  renamed: {
    'instance-state-code': 'instanceState.code',
    'instance-state-name': 'instanceState.name',
    'instance-status.reachability': 'instanceStatus.details.status',
    'instance-status.status': 'instanceStatus.status',
    'system-status.reachability': 'systemStatus.details.status',
    'system-status.status': 'systemStatus.status',
  },
};

/** @throws {Ec2Error} InvalidParameterValue for a filter that does not exist. */
export function selectInstances(
  instances: readonly Instance[],
  filters: readonly Filter[],
): Instance[] {
  return select(instances, filters, INSTANCES, (instance) => ({
    ...instanceXml(instance),
    reservationId: instance.reservationId,
  }));
}

/** @throws {Ec2Error} InvalidParameterValue for a filter that does not exist. */
export function selectStatuses(
  instances: readonly Instance[],
  filters: readonly Filter[],
): Instance[] {
  return select(instances, filters, STATUSES, statusXml);
}

/** Most of one answer when the caller names no number. */
const MOST = 1000;

export interface Page<T> {
  readonly things: readonly T[];
  readonly nextToken: string | undefined;
}

/**
 * The page that follows a token; the first one without. A token names the last thing given, so that later
 * changes shift nothing.
 * @param things in the order of `keyOf`, whose values rise
 * @throws {Ec2Error} InvalidNextToken for a token this EC2 did not give.
 */
export function pageOf<T>(
  things: readonly T[],
  keyOf: (thing: T) => number,
  { MaxResults, NextToken }: { MaxResults?: number | undefined; NextToken?: string | undefined },
): Page<T> {
  const after = NextToken === undefined || NextToken === '' ? -1 : decode(NextToken);
  const rest = things.filter((thing) => keyOf(thing) > after);
  const page = rest.slice(0, MaxResults ?? MOST);
  const last = page.at(-1);
  const more = last !== undefined && page.length < rest.length;
  return { things: page, nextToken: more ? encode(keyOf(last)) : undefined };
}

function encode(key: number): string {
  return Buffer.from(`after:${key}`).toString('base64url');
}

function decode(token: string): number {
  const match = /^after:(\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString());
  if (match === null) {
    throw new Ec2Error('InvalidNextToken', 'The specified NextToken is not valid.');
  }
  return Number(match[1]);
}
