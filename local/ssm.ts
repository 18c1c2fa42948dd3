/** Parameter Store of the embedded cloud, as far as settings need it: one text by name, in memory. */
import { z } from 'zod';
import { errorClass } from '../runtime/errors.ts';

const ACTION = /^AmazonSSM\.(\w+)$/;
const getSchema = z.object({ Name: z.string() });
const putSchema = z.object({
  Name: z.string().regex(/^[\w./-]{1,1011}$/),
  Value: z.string().min(1),
  Type: z.enum(['String', 'StringList', 'SecureString']).default('String'),
  Overwrite: z.boolean().default(false),
});

/** A refusal in SSM's words. */
class SsmError extends errorClass('ssm') {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

interface Parameter {
  readonly Name: string;
  readonly Type: string;
  readonly Value: string;
  readonly Version: number;
  readonly LastModifiedDate: number;
}

export class ParameterStore {
  readonly #parameters = new Map<string, Parameter>();

  /** Answers one request. @param target of the header `x-amz-target` */
  answer(target: string, body: string): { readonly status: number; readonly body: string } {
    try {
      const answer = this.#perform(ACTION.exec(target)?.[1], JSON.parse(body));
      return { status: 200, body: JSON.stringify(answer) };
    } catch (error) {
      const { type, message } =
        error instanceof SsmError
          ? error
          : { type: 'ValidationException', message: 'The request is not valid.' };
      return { status: 400, body: JSON.stringify({ __type: type, message }) };
    }
  }

  #perform(action: string | undefined, input: unknown): object {
    if (action === 'GetParameter') {
      const { Name } = getSchema.parse(input);
      const found = this.#parameters.get(Name);
      if (found === undefined) {
        throw new SsmError('ParameterNotFound', `Parameter ${Name} not found.`);
      }
      return { Parameter: { ...found, DataType: 'text' } };
    }
    if (action === 'PutParameter') {
      const { Name, Value, Type, Overwrite } = putSchema.parse(input);
      const before = this.#parameters.get(Name);
      if (before !== undefined && !Overwrite) {
        throw new SsmError(
          'ParameterAlreadyExists',
          'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
        );
      }
      const Version = (before?.Version ?? 0) + 1;
      const LastModifiedDate = Date.now() / 1000;
      this.#parameters.set(Name, { Name, Type, Value, Version, LastModifiedDate });
      return { Version, Tier: 'Standard' };
    }
    throw new SsmError(
      'UnknownOperationException',
      'The local cloud has GetParameter and PutParameter of Parameter Store.',
    );
  }
}
