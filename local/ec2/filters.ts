/** EC2's filters: every filter must match, any of its values may, `*` and `?` stand for text. Pure. */
import { invalidValue } from './errors.ts';
import type { Instance } from './instance.ts';
import { STATE_CODES } from './states.ts';

export interface Filter {
  readonly Name: string;
  readonly Value: readonly string[];
}

/** All values one filter name has on a thing; undefined when there is no such filter. */
type ValuesOf<T> = (thing: T, filterName: string) => readonly string[] | undefined;

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

/**
 * Those of `things` that every filter matches.
 * @throws {Ec2Error} InvalidParameterValue for a filter that does not exist.
 */
export function select<T>(
  things: readonly T[],
  filters: readonly Filter[],
  names: ReadonlySet<string>,
  valuesOf: ValuesOf<T>,
): T[] {
  for (const { Name } of filters) {
    if (!names.has(Name) && !(names.has('tag:') && Name.startsWith('tag:') && Name.length > 4)) {
      throw invalidValue(`The filter '${Name}' is invalid`);
    }
  }
  return things.filter((thing) =>
    filters.every(({ Name, Value }) => {
      const values = valuesOf(thing, Name) ?? [];
      return values.some((value) => Value.some((pattern) => matchesPattern(value, pattern)));
    }),
  );
}

/** Filters of DescribeInstances. */
const INSTANCE_VALUES: Readonly<Record<string, (instance: Instance) => readonly string[]>> = {
  'instance-id': (i) => [i.id],
  'instance-state-name': (i) => [i.state],
  'instance-state-code': (i) => [String(STATE_CODES[i.state])],
  'image-id': (i) => [i.imageId],
  'instance-type': (i) => [i.instanceType],
  'availability-zone': (i) => [i.availabilityZone],
  'reservation-id': (i) => [i.reservationId],
  'client-token': (i) => (i.clientToken === undefined ? [] : [i.clientToken]),
  'private-ip-address': (i) => [i.privateIp],
  'subnet-id': (i) => (i.subnetId === undefined ? [] : [i.subnetId]),
  'instance.group-id': (i) => i.securityGroupIds,
  'instance-lifecycle': (i) => (i.spot === undefined ? [] : ['spot']),
  'spot-instance-request-id': (i) => (i.spot === undefined ? [] : [i.spot.requestId]),
  'launch-time': (i) => [i.launchTime.toISOString()],
  'tag-key': (i) => [...i.tags.keys()],
};

const INSTANCE_FILTERS = new Set([...Object.keys(INSTANCE_VALUES), 'tag:']);

/** @throws {Ec2Error} InvalidParameterValue for a filter that does not exist. */
export function selectInstances(
  instances: readonly Instance[],
  filters: readonly Filter[],
): Instance[] {
  return select(instances, filters, INSTANCE_FILTERS, (instance, name) => {
    if (!name.startsWith('tag:')) return INSTANCE_VALUES[name]?.(instance);
    const value = instance.tags.get(name.slice('tag:'.length));
    return value === undefined ? [] : [value];
  });
}
