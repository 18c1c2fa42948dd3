/**
 * The npm scripts' entry: says in words what is missing where Node could only fail on the first TypeScript
 * file. Plain JavaScript that an old Node can read too. Without arguments it only checks.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The first that reads TypeScript without a flag. */
const NEEDED_NODE = [22, 18];
const WITH_SCRIPTS = 'npm ci --ignore-scripts=false';

const modules = fileURLToPath(new URL('node_modules/', import.meta.url));
const ownNode = `${modules}.bin/node`;

/** npm's Node for this project is built for glibc: elsewhere it is there, and cannot be run. */
function removeNodeThatDoesNotRun() {
  if (!existsSync(ownNode)) return;
  const { status } = spawnSync(ownNode, ['--version']);
  if (status === 0) return;
  rmSync(ownNode);
  say(`the Node from npm does not run on this system, so Node ${process.versions.node} is used`);
}

/** @returns what to do before the project can run; undefined when nothing is missing */
function whatIsMissing() {
  if (!isInstalled('yargs')) return 'Its packages are not installed. Run: npm ci';
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1])) return;
  const needs = `It needs Node ${NEEDED_NODE.join('.')} or newer, and this is ${process.versions.node}.`;
  return existsSync(ownNode) ||
    process.platform !== 'linux' ||
    !/^(?:x64|arm64)$/.test(process.arch)
    ? `${needs} Install Node 24 and run: npm ci`
    : `${needs} npm ci brings Node 24 by an install script, and these are switched off. Run: ${WITH_SCRIPTS}`;
}

function isInstalled(name) {
  try {
    return createRequire(import.meta.url).resolve(name) !== undefined;
  } catch {
    return false;
  }
}

function say(line) {
  console.error(`elastic-face: ${line}`);
}

const isInstall = process.env.npm_lifecycle_event === 'postinstall';
if (isInstall) removeNodeThatDoesNotRun();
const missing = isInstall && existsSync(ownNode) ? undefined : whatIsMissing();
if (missing !== undefined) {
  say(missing);
  process.exit(1);
}
if (process.argv.length > 2) await import('./elastic-face.ts');
