#!/usr/bin/env bash
# The README's two commands on a machine that reaches package registries and nothing else: a fresh clone in an
# empty folder, an empty home, and official homes of model data that cannot be reached.
#   test/registry-only.sh [TEST_FILE…]     default: npm test, all of it
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
OFFICIAL_HOMES=(github.com raw.githubusercontent.com objects.githubusercontent.com codeload.github.com)

# In a mount namespace of its own, where one can be made, those names lead nowhere.
if [ "${1:-}" != --hidden ]; then
  if unshare --mount true 2>/dev/null; then
    exec unshare --mount "$0" --hidden "$@"
  fi
  echo 'registry-only: no mount namespace can be made here, so official homes are not hidden' >&2
else
  shift
  hosts=$(mktemp)
  { cat /etc/hosts; printf '0.0.0.0 %s\n' "${OFFICIAL_HOMES[@]}"; } >"$hosts"
  mount --bind "$hosts" /etc/hosts
fi

work=$(mktemp -d)
system=
# Bash runs this at every end.
# shellcheck disable=SC2329
finish() {
  [ -z "$system" ] || kill -TERM -- "-$system" 2>/dev/null || true
  rm -rf "$work" "${hosts:-}"
}
trap finish EXIT
mkdir "$work/home"
git clone --quiet "$source" "$work/clone"
cd "$work/clone"
export HOME=$work/home
unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME FACE_CHECKPOINTS MODEL_DIR

say() { echo "registry-only: ${SECONDS} s: $*"; }

npm ci --no-audit --no-fund >"$work/npm-ci.log" 2>&1 || { cat "$work/npm-ci.log"; exit 1; }
say 'npm ci is done'
# In a process group of its own, which Ctrl-C reaches as a whole.
set -m
PORT=0 LOCAL_CLOUD_PORT=0 npm start >"$work/start.log" 2>&1 &
system=$!
set +m
until grep -qs 'Ready: ' "$work/start.log"; do
  kill -0 "$system" 2>/dev/null || { cat "$work/start.log"; exit 1; }
  sleep 0.2
done
url=$(sed -n 's/.*Ready: \(http[^ ]*\).*/\1/p' "$work/start.log" | head -n 1)
say 'npm start is ready'
answer=$(curl --silent --show-error --max-time 120 -F "inputFile=@$(npm run -s photo)" "$url/")
say "answer: $answer"
grep -q 'compact encoder' "$work/start.log" || { echo 'registry-only: start does not say which encoder it took'; cat "$work/start.log"; exit 1; }
[[ "$answer" == *:'Barack Obama' ]] || { echo 'registry-only: that is not who it is'; cat "$work/start.log"; exit 1; }
kill -INT -- "-$system"
code=0
wait "$system" || code=$?
# 130 is what a shell calls an interrupted command.
[ "$code" = 0 ] || [ "$code" = 130 ] || { echo "registry-only: npm start ended with $code"; exit 1; }
system=

npm test -- "$@"
say 'tests are done'
