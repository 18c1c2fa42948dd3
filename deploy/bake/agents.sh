#!/usr/bin/env bash
# Adds to a baked image what its operator needs on AWS: Fluent Bit, which ships the journal to CloudWatch Logs
# (deploy/systemd/ship-journal.sh), from its makers' package archive. And looks whether the agent of Session
# Manager is there, the only way onto an instance. Runs after bake.sh, as root.
set -euo pipefail

archive=https://packages.fluentbit.io
# Of the key that signs the archive, as its makers publish it.
fingerprint=C3C0A28534B9293EAF51FABD9F9DDC083888C1CD
key=/usr/share/keyrings/fluent-bit.asc
export DEBIAN_FRONTEND=noninteractive
fail() { echo "agents: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail 'run it as root.'
[ -x /opt/elastic-face/deploy/systemd/ship-journal.sh ] || fail 'run deploy/bake/bake.sh first.'

echo 'agents: installing Fluent Bit'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
had_gpg=$(command -v gpg || true)
apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl gpg >/dev/null
curl -fsSL --retry 3 -o "$work/key" "$archive/fluentbit.key"
found=$(gpg --homedir "$work" --show-keys --with-colons "$work/key" | awk -F: '$1 == "fpr" { print $10; exit }')
[ "$found" = "$fingerprint" ] || fail "the key of $archive is $found and should be $fingerprint."
install -D -m 0644 "$work/key" "$key"
# shellcheck source=/dev/null
. /etc/os-release
echo "deb [signed-by=$key] $archive/$ID/$VERSION_CODENAME $VERSION_CODENAME main" \
  >/etc/apt/sources.list.d/fluent-bit.list
apt-get update -qq
apt-get install -y -qq --no-install-recommends 'fluent-bit=5.*' >/dev/null
# Its own unit ships nothing of ours.
systemctl disable --quiet fluent-bit.service
[ -n "$had_gpg" ] || apt-get purge -y -qq --auto-remove gpg >/dev/null
apt-get clean
rm -rf /var/lib/apt/lists/*

# The journal of the machine that made the image is no instance's.
rm -rf /var/log/journal/*

[ -x /usr/bin/amazon-ssm-agent ] || [ -e /snap/amazon-ssm-agent ] ||
  fail 'the SSM agent is missing, so nobody would get onto an instance. Image Builder leaves it in the image; elsewhere install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/manually-install-ssm-agent-linux.html'
echo "agents: $(/opt/fluent-bit/bin/fluent-bit --version | head -n 1)"
