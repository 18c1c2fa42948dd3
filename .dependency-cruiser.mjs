/** Which folder may import which, and no circles of files. `npm run check` holds it; docs/architecture.md says why. */
import { Visitor } from '@swc/core/Visitor.js';

/** Folders from the ground up: what each may import besides itself and npm packages. */
const mayImport = {
  runtime: [],
  model: ['runtime'],
  convert: ['runtime', 'model'],
  cloud: ['runtime'],
  people: ['runtime', 'cloud'],
  operate: ['runtime', 'model', 'convert', 'cloud', 'local', 'people'],
  web: ['runtime', 'cloud', 'people'],
  worker: ['runtime', 'cloud', 'model', 'people'],
  scaler: ['runtime', 'cloud'],
  local: ['runtime', 'model', 'convert', 'cloud', 'people'],
  workload: ['runtime', 'cloud'],
  deploy: ['runtime', 'cloud', 'convert', 'web'],
  'test/chaos': ['runtime', 'cloud', 'local', 'convert', 'people'],
  bench: [
    'runtime',
    'model',
    'convert',
    'cloud',
    'scaler',
    'local',
    'workload',
    'test/chaos',
    'people',
    'worker',
  ],
};

const folders = Object.keys(mayImport);

/** Tests may import anything. */
const TESTS = '\\.(test|fixture)\\.ts$';

const layers = Object.entries(mayImport).map(([folder, others]) => ({
  name: `${folder.replace('/', '-')}-imports-downwards`,
  comment: `${folder}/ may import ${others.join(', ') || 'no other folder'}.`,
  severity: 'error',
  from: { path: `^${folder}/`, pathNot: TESTS },
  to: { path: `^(test|${folders.join('|')})/`, pathNot: `^(${[folder, ...others].join('|')})/` },
}));

export default {
  forbidden: [
    ...layers,
    {
      name: 'page-imports-page',
      comment: 'web/page/browser/ runs in a browser, which gets this folder and nothing else.',
      severity: 'error',
      from: { path: '^web/page/browser/', pathNot: TESTS },
      to: { pathNot: ['^web/page/browser/', '^web/live/state\\.ts$'] },
    },
    {
      name: 'contract-without-sdk',
      comment: 'cloud/contract/ is names and messages: any program may use them without an SDK.',
      severity: 'error',
      from: { path: '^cloud/contract/', pathNot: TESTS },
      to: { path: ['^cloud/(aws|ec2|redis)/', '^node_modules/(@aws-sdk|ioredis)/'] },
    },
    {
      name: 'decisions-are-pure',
      comment: 'scaler/decide/ is pure: the simulator runs it too. It must not act or report.',
      severity: 'error',
      from: { path: '^scaler/decide/', pathNot: TESTS },
      to: { path: ['^scaler/(loop|report)/', '^node_modules/@aws-sdk/'] },
    },
    {
      name: 'reports-do-not-act',
      comment: 'scaler/report/ shows what the loop did.',
      severity: 'error',
      from: { path: '^scaler/report/', pathNot: TESTS },
      to: { path: '^scaler/loop/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: '^(dist|out|model/simd/assembly)/' },
  },
};

// swc's visitor throws on `using` declarations, which swc itself parses.
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};
