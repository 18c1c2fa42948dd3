#!/usr/bin/env bash
# A worker that cannot stay up, or is not needed, must not leave an instance that costs forever: power-off
# terminates what the scaler launched. Any other machine stays up for whoever started it to look at, e.g. the
# test instance of Image Builder.
set -euo pipefail
# shellcheck source=deploy/systemd/metadata.sh
. "$(dirname "$0")/metadata.sh"

project=$(launched_for || true)
if [ -z "$project" ]; then
  echo 'No scaler launched this machine, so it stays up. To see why the worker ended: journalctl -u elastic-face-worker'
  exit 0
fi
echo "Powering off: the worker ended, and the scaler of $project launches others as needed."
# The reason must reach CloudWatch Logs first.
sleep "${LAST_LOGS_SECONDS:-10}"
exec systemctl --no-block poweroff
