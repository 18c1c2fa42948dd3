/**
 * Settings in AWS Systems Manager's Parameter Store, and through it in Secrets Manager. One call of the SSM
 * API with the credentials and the signature of the SDK's SQS client, which every service has loaded.
 */
import { SQSClient } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { errorClass, SettingsError } from '../../runtime/errors.ts';
import type { SettingsSource } from '../../runtime/process/follow-settings.ts';
import type { Settings, SettingsInput } from '../../runtime/settings.ts';
import { parseUserData } from '../ec2/metadata.ts';
import { type ClientSettings, sharedByClients } from './clients.ts';
import { addressLikeSqs, type SignedCall, signedCall } from './direct-call.ts';
import { openAtStart } from './start-up.ts';

const answerSchema = z.object({ Parameter: z.object({ Value: z.string() }) });
const refusalSchema = z.object({ __type: z.string(), message: z.string().optional() });
const objectSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** Parameters under it are secrets of Secrets Manager, where each read is paid for. */
const SECRETS = '/aws/reference/secretsmanager/';
const SECRET_MS = 300_000;

/** A parameter that holds settings cannot be read now. */
export class SettingsParameterError extends errorClass('settings-parameter') {
  /** As the SDK's errors have them, so that an outage is told from a refusal. */
  readonly $metadata: { readonly httpStatusCode?: number };
  readonly $retryable: { readonly throttling: boolean };

  constructor(message: string, status?: number, code = '', options?: ErrorOptions) {
    super(message, options);
    this.$metadata = status === undefined ? {} : { httpStatusCode: status };
    this.$retryable = { throttling: /Throttl/.test(code) };
  }
}

export type ParameterSettings = ClientSettings & Pick<Settings, 'SETTINGS_PARAMETER'>;

/** @returns undefined where no parameter is set */
export function openSettingsParameter(settings: ParameterSettings): SettingsSource | undefined {
  if (settings.SETTINGS_PARAMETER === undefined) return undefined;
  const names = settings.SETTINGS_PARAMETER.split(',');
  const sqs = new SQSClient(sharedByClients(settings));
  const call = signedCall(sqs.config, 'ssm');
  const secrets = new Map<string, { readonly at: number; readonly values: SettingsInput }>();
  const valuesOf = async (name: string): Promise<SettingsInput> => {
    const known = secrets.get(name);
    if (known !== undefined && performance.now() - known.at < SECRET_MS) return known.values;
    const values = await getParameter(sqs, call, name);
    if (name.startsWith(SECRETS)) secrets.set(name, { at: performance.now(), values });
    return values;
  };
  const read = async (): Promise<SettingsInput> =>
    Object.assign({}, ...(await Promise.all(names.map(valuesOf))));
  return {
    read,
    readAtStart: (log) => openAtStart(read, log),
    close: () => sqs.destroy(),
  };
}

async function getParameter(
  sqs: SQSClient,
  call: SignedCall,
  Name: string,
): Promise<SettingsInput> {
  const body = JSON.stringify({ Name, WithDecryption: true });
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'AmazonSSM.GetParameter',
  };
  const origin = await addressLikeSqs(sqs, 'ssm');
  const { status, bytes } = await call({
    ...{ method: 'POST', origin, path: origin.pathname, headers, body },
  }).catch((cause: unknown) => {
    throw new SettingsParameterError(
      `The parameter ${Name} cannot be read: Parameter Store is unreachable.`,
      undefined,
      undefined,
      { cause },
    );
  });
  const answer = readJson(bytes.toString());
  if (status === 200) return settingsOf(Name, answerSchema.parse(answer).Parameter.Value);
  const refusal = refusalSchema.safeParse(answer);
  const code = refusal.data?.__type.split('#').at(-1) ?? `HTTP ${status}`;
  if (/^(?:ParameterNotFound|ValidationException)$/.test(code)) {
    throw new SettingsError(
      `SETTINGS_PARAMETER names ${Name}, which Parameter Store does not have (${code}). Correct the name or create the parameter.`,
    );
  }
  throw new SettingsParameterError(
    `The parameter ${Name} cannot be read (${code}: ${refusal.data?.message ?? ''}). The role needs ssm:GetParameter on it.`,
    status,
    code,
  );
}

/** @throws {SettingsError} where the parameter is an object of something else than settings */
function settingsOf(name: string, text: string): SettingsInput {
  if (!text.trimStart().startsWith('{')) return parseUserData(text);
  const parsed = objectSchema.safeParse(readJson(text));
  if (parsed.success) return parsed.data;
  throw new SettingsError(
    `The parameter ${name} is no JSON object of settings and their values. Correct it, or write NAME=value lines.`,
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
