/** What befalls the world of property tests in one second. Data only. */

export interface Weather {
  readonly arrivals: number;
  /** Seconds that each of these takes. */
  readonly work: number;
  readonly unreadable: readonly ('instances' | 'redis' | 'queue')[];
  readonly flush: boolean;
  /** Maximum number of instances that one call gets, where there is capacity at all; all further ones are refused. */
  readonly room?: number;
  /** Types that there is no hardware for. */
  readonly full?: readonly string[];
  /** What EC2 says to starts and stops. */
  readonly rests?: 'yes' | 'refused' | 'lost' | 'unheard';
  readonly namesFail?: boolean;
  /** `lost`: no answer, nothing launched. `unheard`: launched, but the answer is lost. */
  readonly launches: 'yes' | 'refused' | 'lost' | 'unheard';
  readonly terminations: 'yes' | 'fail';
  /** Which instances EC2 does not end, by number. */
  readonly locked?: readonly number[];
  /** Seconds by which EC2's list is late in this step, added to the world's own lag. */
  readonly jitter: number;
  /** Instances that are launched end before they say a word. */
  readonly stillborn?: boolean;
  /** Which instance hangs or dies, by position among those alive. */
  readonly hang?: number;
  readonly die?: number;
}

export const calm: Weather = {
  arrivals: 0,
  work: 1,
  unreadable: [],
  flush: false,
  launches: 'yes',
  terminations: 'yes',
  jitter: 0,
};
