#!/usr/bin/env bash
# The project's commands on an instance, with the settings of its services: bake.sh installs it as `elastic-face`.
set -euo pipefail
settings=${ELASTIC_FACE_SETTINGS:-/etc/elastic-face/environment}
app=${ELASTIC_FACE_HOME:-/opt/elastic-face}
if [ -r "$settings" ]; then
  # A value is what follows the first =, whatever it holds: nothing of it is run.
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in [A-Z]*=*) export "${line?}" ;; esac
  done <"$settings"
fi
exec "$app/node_modules/node/bin/node" "$app/elastic-face.ts" "$@"
