/** One project's template, checked by cdk-nag: made in a folder, nothing is deployed. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledge } from './acknowledged.ts';
import type { StackOptions } from './options.ts';
import { createStack } from './stack.ts';

/**
 * @param outdir folder for `<stack>.template.json`
 * @returns the template's file
 * @throws when a rule of cdk-nag finds what nobody has given a reason for
 */
export function synthesize(options: StackOptions, outdir: string): string {
  const app = new App({ outdir, analyticsReporting: false });
  const parts = createStack(app, options);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  acknowledge(parts);
  const assembly = app.synth();
  return assembly.getStackArtifact(parts.stack.artifactId).templateFullPath;
}
