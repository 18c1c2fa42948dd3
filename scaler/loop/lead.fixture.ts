/** A lead that a test gives and takes, and that remembers whether it was given up. */
import type { Role } from '../report/view.ts';
import type { Lead } from './lead.ts';

export class TestLead implements Lead {
  given: Role = 'leader';
  term = 1;
  /** How often the loop looked. */
  looks = 0;
  resigned: boolean | undefined;

  get role(): Role {
    this.looks += 1;
    return this.given;
  }

  async stop(resign: boolean): Promise<void> {
    this.resigned = resign;
  }
}
