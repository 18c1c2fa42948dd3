/** `elastic-face setup-native`: sets TensorFlow's native library up again and prints every step. */
import type { CommandModule } from 'yargs';

export const command: CommandModule = {
  command: 'setup-native',
  describe: 'Set up TensorFlow’s native library, if the installation could not',
  builder: (args) =>
    args.example('$0 setup-native', 'try every way, with the reason where one fails'),
  handler: async () => {
    await import('./native/install.ts');
  },
};
