/**
 * Judges IAM policy documents as AWS documents it: an explicit Deny wins, then any Allow, else access is
 * refused. It knows the condition operators that this project's policies use, and throws on any other.
 */

type Texts = string | readonly string[];
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, Texts>>>>;

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: Texts;
  readonly Resource?: Texts;
  readonly Principal?: unknown;
  readonly Condition?: ConditionBlock;
}

export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: readonly Statement[];
}

/** One action on one resource, which is what a policy allows; a call to AWS may need several. */
export interface Access {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request, e.g. `aws:RequestTag/Name`. */
  readonly context: Readonly<Record<string, Texts>>;
}

export type Verdict = 'allowed' | 'denied' | 'not allowed';

export function judge(documents: readonly PolicyDocument[], access: Access): Verdict {
  const concerned = documents
    .flatMap(({ Statement }) => Statement)
    .filter((statement) => concerns(statement, access));
  if (concerned.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return concerned.length > 0 ? 'allowed' : 'not allowed';
}

function concerns(statement: Statement, { action, resource, context }: Access): boolean {
  const unread = Object.keys(statement).filter((key) => /^Not/.test(key));
  if (unread.length > 0) throw new Error(`This judge cannot read ${unread.join(', ')}.`);
  return (
    list(statement.Action).some((pattern) => like(pattern.toLowerCase(), action.toLowerCase())) &&
    list(statement.Resource ?? '*').some((pattern) => like(pattern, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) =>
        holds(operator, wanted, contextValue(context, key)),
      ),
    )
  );
}

const COMPARE: Readonly<Record<string, (wanted: string, given: string) => boolean>> = {
  StringEquals: (wanted, given) => wanted === given,
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: (wanted, given) => wanted.toLowerCase() === given.toLowerCase(),
};

/** A key that the request lacks fails every operator but `…IfExists` and `ForAllValues:…`. */
function holds(operator: string, wanted: Texts, given: Texts | undefined): boolean {
  const [, set, name, ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const compare = COMPARE[name ?? ''];
  if (compare === undefined) throw new Error(`This judge does not know the operator ${operator}.`);
  const values = given === undefined ? [] : list(given);
  if (values.length === 0) return ifExists !== undefined || set === 'ForAllValues';
  if (set === undefined && values.length > 1) throw new Error(`${operator} of several values.`);
  const one = (value: string): boolean => list(wanted).some((text) => compare(text, value));
  return set === 'ForAllValues' ? values.every(one) : values.some(one);
}

/** Names of keys are case-insensitive; what stands after the slash, a tag's name, is not. */
function contextValue(context: Access['context'], key: string): Texts | undefined {
  const folded = (name: string): string => {
    const [prefix = '', ...tag] = name.split('/');
    return [prefix.toLowerCase(), ...tag].join('/');
  };
  return Object.entries(context).find(([name]) => folded(name) === folded(key))?.[1];
}

export function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}

function like(pattern: string, text: string): boolean {
  if (pattern.includes('${')) throw new Error(`This judge reads no policy variables: ${pattern}`);
  const source = pattern
    .replace(/[.+^$()|[\]\\{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** Each of the six parts by itself: no wildcard reaches over a colon into the next. */
function arnLike(pattern: string, text: string): boolean {
  const parts = (arn: string): string[] => {
    const all = arn.split(':');
    return [...all.slice(0, 5), all.slice(5).join(':')];
  };
  const given = parts(text);
  return parts(pattern).every((part, at) => like(part, given[at] ?? ''));
}
