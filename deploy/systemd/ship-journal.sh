#!/usr/bin/env bash
# Ships the journal of an instance to CloudWatch Logs, to the groups of its project and a stream of its own.
# A machine of no project, e.g. one on which an image is made, keeps its journal to itself.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=deploy/systemd/metadata.sh
. "$here/metadata.sh"

PROJECT_ID=$(launched_for || true)
if [ -z "$PROJECT_ID" ]; then
  echo 'The user data names no project, so the journal is not shipped.'
  exit 0
fi
AWS_REGION=$(metadata meta-data/placement/region)
INSTANCE_ID=$(metadata meta-data/instance-id)
export PROJECT_ID AWS_REGION INSTANCE_ID
exec "${FLUENT_BIT:-/opt/fluent-bit/bin/fluent-bit}" --config "$here/fluent-bit.yaml"
