/** `npm run deploy:synth`: writes the CloudFormation template of one project, checked by cdk-nag. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledge } from './acknowledged.ts';
import { readStackOptions, stackOptionsSchema } from './options.ts';
import { createStack } from './stack.ts';

const app = new App({ analyticsReporting: false });
console.log(Object.keys(stackOptionsSchema.shape), !!acknowledge, !!readStackOptions);
const options = readStackOptions({ id: 'demo' });
const stack = createStack(app, options);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
acknowledge(stack);
app.synth();
