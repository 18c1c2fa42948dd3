/** The errors EC2 answers with, by its own codes. Knows nothing about HTTP or XML. */
import { ElasticFaceError } from '../../runtime/errors.ts';

/** An EC2 request that is refused; `ec2Code` is what clients branch on, e.g. `InvalidInstanceID.NotFound`. */
export class Ec2Error extends ElasticFaceError {
  readonly ec2Code: string;
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(ec2Code: string, message: string, options?: ErrorOptions & { status?: number }) {
    super('ec2', message, options);
    this.ec2Code = ec2Code;
    this.status = options?.status ?? 400;
  }
}

export function missingParameter(name: string): Ec2Error {
  return new Ec2Error('MissingParameter', `The request must contain the parameter ${name}`);
}

export function invalidValue(message: string): Ec2Error {
  return new Ec2Error('InvalidParameterValue', message);
}

export function instancesNotFound(ids: readonly string[]): Ec2Error {
  return new Ec2Error(
    'InvalidInstanceID.NotFound',
    ids.length === 1
      ? `The instance ID '${ids[0]}' does not exist`
      : `The instance IDs '${ids.join(', ')}' do not exist`,
  );
}

export function notFound(code: string, what: string): (name: string) => Ec2Error {
  return (name) => new Ec2Error(code, `The ${what} '${name}' does not exist`);
}
