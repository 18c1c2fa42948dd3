/**
 * Keys of the web tier, as parameters of the stack. They hold hashes only: a key is shown once, when
 * `deploy synth --new-keys` makes it, and lies nowhere on AWS. They have no defaults, so that a stack without
 * a key is not created; later deployments keep the values of the earlier ones.
 */
import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { StackOptions } from './options.ts';

const HASH = '[0-9a-f]{64}';
const ENTRY = `[A-Za-z0-9_-]{1,40}:${HASH}`;

export class Keys extends Construct {
  /** What the web tier reads. */
  readonly settings: Readonly<Record<string, string>>;

  constructor(scope: Construct, { keys }: Pick<StackOptions, 'keys'>) {
    super(scope, 'Keys');
    if (keys === 'none') {
      this.settings = {};
      return;
    }
    const parameter = (name: string, props: object): string =>
      new CfnParameter(Stack.of(this), name, props).valueAsString;
    this.settings = {
      API_KEYS: parameter('ApiKeys', {
        description: 'API keys that may post photos: entries from npm run key, separated by commas',
        allowedPattern: `${ENTRY}(,${ENTRY})*`,
        constraintDescription: 'must be entries like alice:<64 hexadecimal letters>',
      }),
      ADMIN_KEY_HASH: parameter('AdminKeyHash', {
        description: 'Hash of the key for /metrics: the part after the colon of an entry',
        allowedPattern: HASH,
        constraintDescription: 'must be 64 hexadecimal letters',
      }),
      RATE_PER_MINUTE: parameter('RatePerMinute', {
        description: 'Photos a minute that one API key may send (0 = unlimited)',
        default: '0',
        allowedPattern: '[0-9]{1,7}',
        constraintDescription: 'must be a whole number from 0 to 1000000',
      }),
    };
  }
}
