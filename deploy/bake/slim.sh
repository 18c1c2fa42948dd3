#!/usr/bin/env bash
# Removes from an installed project what no service reads: files for developers, symbol tables that only
# a debugger reads, packages that only a compiler asks for. bake.sh runs it; it needs binutils' strip.
set -euo pipefail

[ $# = 2 ] || { echo 'usage: slim.sh APP worker|web' >&2; exit 2; }
app=$1 role=$2
modules="$app/node_modules"
tensorflow="$modules/@tensorflow/tfjs-node"
[ -d "$modules" ] || { echo "slim: there is no $modules: run npm ci first." >&2; exit 1; }

# Node runs no TypeScript out of node_modules, neither declarations nor sources.
find "$modules" -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \
  -o -name '*.md' -o -name '*.flow' -o -name '*.py' \) -delete
# What packages bring to test themselves, private keys among it.
find "$modules" -regextype posix-extended -type d \
  -regex '.*/node_modules/(@[^/]+/)?[^/]+/(test|tests|\.github)' -prune -exec rm -rf {} +
# Headers: of Node, of its API and of TensorFlow. Addons are compiled before this runs.
rm -rf "$modules"/node/node_modules/*/include "$modules"/node/node_modules/*/share \
  "$modules/node-api-headers/include" "$tensorflow/deps/include"
# A compiler that npm installs only because a library names it as an optional peer; Node drops types itself.
rm -rf "$modules/typescript" "$modules/@typescript" "$modules/.bin/tsc"
# For old browsers: tfjs names it, and its bundles for Node load none of it.
rm -rf "$modules/core-js"
# Of its typefaces one is used, to write names into photos.
find "$modules" -path '*/dejavu-fonts-ttf/*.ttf' ! -name DejaVuSans-Bold.ttf -delete

# The web tier computes nothing, so it carries no engine.
[ "$role" = worker ] || rm -rf "$tensorflow/deps"
# .symtab and .strtab are never mapped: a quarter of TensorFlow's library. The names that the linker
# resolves are kept in .dynsym.
find "$modules" -type f \( -name '*.so' -o -name '*.so.[0-9]*' -o -name '*.node' -o -path '*/bin/node' \) |
  while read -r library; do
    strip --strip-unneeded "$library" || echo "slim: left as it is: $library"
  done

# Of tfjs's packages Node loads the one bundle that each names as its main (dist/*.node.js).
for package in tfjs tfjs-core tfjs-layers tfjs-converter tfjs-data tfjs-backend-cpu tfjs-backend-webgl; do
  folder="$modules/@tensorflow/$package"
  [ -d "$folder" ] || continue
  find "$folder" -path "$folder/node_modules" -prune -o -type f ! -name '*.node.js' ! -name package.json \
    ! -name 'LICENSE*' -exec rm -f {} +
done
# Beside the bundle of this one lie the kernels that it loads.
find "$modules" -path '*/@tensorflow/tfjs-backend-wasm/*' -type f ! -path '*/dist/*.wasm' ! -name '*.node.js' \
  ! -name package.json ! -name 'LICENSE*' -delete
