/** What the npm package holds: which modules are its entrances, and what their processes read. */

/** What a consumer imports, by its name in `exports`. */
export const libraries = {
  '.': 'model/index',
  './convert': 'convert/index',
} as const;

/** What runs without being imported by another module. */
export const programs = {
  commandLine: 'elastic-face',
  postinstall: 'model/native/install',
} as const;

/** Development and deployment need a checkout, and packages that only a checkout has. */
export const leftOut = /^(?:bench\/|test\/chaos\/|deploy\/deploy\.command\.)/;

/** Read by path at run time; they keep their place among the modules. */
export const assets = [
  'convert/**/*.{json,proto}',
  'model/native/*.cc',
  'web/page/browser/**/*.{ts,css,html,svg}',
] as const;

/** Of a checkout's dependencies, those that a consumer must not get. */
export const droppedDependencies: readonly string[] = [
  // Its install script fails the whole installation where its storage bucket cannot be reached, and the
  // overrides of its own dependencies do not hold in a consumer's tree: the package carries its addon.
  '@tensorflow/tfjs-node',
  // It would put another Node before the consumer's own.
  'node',
];
