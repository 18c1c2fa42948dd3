/** A worker process that does nothing but hold an inference process, to be killed by a test. */
import { silent } from '../../test/cloud.fixture.ts';
import { Inference } from './inference.ts';

const [folder = ''] = process.argv.slice(2);
const inference = new Inference({
  entry: new URL('./double.fixture.ts', import.meta.url),
  args: [folder],
  threads: 1,
  log: silent,
});
const { outcome } = await inference.compute(Buffer.from('held gate'));
process.send?.('match' in outcome ? outcome.match.name : 'refused');
