/** Replaces itself once, says its process id and its parent's, and stays until its parent is gone. */
import { createLogger } from '../log.ts';
import { leaveWithParent } from './exit.ts';
import { replaceProcess } from './replace.ts';

const { REPLACED } = process.env;
if (REPLACED === undefined) {
  process.env.REPLACED = String(process.pid);
  replaceProcess();
}
leaveWithParent(createLogger('fixture', 'silent'));
setInterval(() => {}, 60_000);
console.log(
  JSON.stringify({ before: Number(REPLACED), pid: process.pid, argv: process.argv.slice(2) }),
);
