/** The one network of this EC2, as lists name it: a default VPC, a subnet a zone, a security group. Pure. */

export const VPC_ID = 'vpc-000000000000010ca';
export const GROUP_ID = 'sg-000000000000010ca';
/** Zones of every region here. */
const ZONE_LETTERS = ['a', 'b', 'c'] as const;

export function zonesOf(region: string): string[] {
  return ZONE_LETTERS.map((letter) => `${region}${letter}`);
}

/** The default subnet of a zone. */
export function subnetIdOf(zone: string): string {
  const index = Math.max(0, ZONE_LETTERS.indexOf(zone.at(-1) as 'a'));
  return `subnet-00000000000${index}010ca`;
}

/** As AWS numbers zones apart from their letters: `use1-az1` is in `us-east-1`. */
export function zoneIdOf(zone: string): string {
  const region = zone.slice(0, -1);
  const short = region
    .split('-')
    .map((part, index) => (index === 0 ? part : part.startsWith('central') ? 'c' : part.charAt(0)))
    .join('');
  return `${short}-az${zone.charCodeAt(zone.length - 1) - 96}`;
}
