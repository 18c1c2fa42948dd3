/** `elastic-face key`: makes an API key and the hash that settings hold of it. */
import type { CommandModule } from 'yargs';

interface KeyArguments {
  name: string;
}

export const command: CommandModule<object, KeyArguments> = {
  command: 'key [name]',
  describe: 'Make an API key, and the entry for API_KEYS or ADMIN_KEY_HASH',
  builder: (args) =>
    args
      .positional('name', {
        type: 'string',
        default: 'client',
        describe: 'Name of the key: 1 to 40 letters, digits, dashes or underscores',
      })
      .example('$0 key alice', 'a key for alice'),
  handler: async ({ name }) => {
    const [{ keyHash, makeKey }, { SettingsError }] = await Promise.all([
      import('./keys.ts'),
      import('../runtime/errors.ts'),
    ]);
    if (!/^[\w-]{1,40}$/.test(name)) {
      throw new SettingsError('The name must be 1 to 40 letters, digits, dashes or underscores.');
    }
    const key = makeKey();
    console.log(`key    ${key}`);
    console.log(`entry  ${name}:${keyHash(key)}`);
    console.log(
      'Give the key to its user: it is not stored. Separate entries in API_KEYS with commas;',
    );
    console.log('for /metrics, set ADMIN_KEY_HASH to the part after the colon.');
  },
};
