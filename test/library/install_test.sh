#!/usr/bin/env bash
# Installs into a temporary folder and builds the example against that, as a user of the library would: plain g++ and pkg-config.
set -euo pipefail
build=$1 source=$2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

meson install -C "$build" --no-rebuild --quiet --destdir "$root"
pc=$(find "$root" -name trimcarve.pc)
[[ -n $pc ]] || { echo 'no trimcarve.pc is installed' && exit 1; }
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root
read -ra flags < <(pkg-config --cflags --libs --static trimcarve)
read -ra cflags < <(pkg-config --cflags trimcarve)
echo "pkg-config: ${flags[*]}"

# Each public header stands alone and is clean under a user's strict warnings.
include=$(find "$root" -type d -path '*/include/trimcarve')
for header in "$source"/include/trimcarve/*.hpp; do
  name=${header##*/}
  [[ -f $include/$name ]] || { echo "$name is not installed" && exit 1; }
  echo "#include <trimcarve/$name>" | g++ -std=c++23 -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only "${cflags[@]}" -x c++ -
done

g++ -std=c++23 -Wall -Wextra -Werror "$source/examples/list_deleted.cpp" "${flags[@]}" -o "$scratch/list_deleted"

xz -dc "$source/samples/removed.vhd.xz" >"$scratch/removed.vhd"
status=0
# A shared build's library is where it was installed; a static one needs no path.
LD_LIBRARY_PATH=$(dirname "${pc%/*}") "$scratch/list_deleted" "$scratch/removed.vhd" >"$scratch/out" || status=$?
cat "$scratch/out"
[[ $status == 0 ]] || { echo "exit status $status" && exit 1; }
grep -q -P '^deleted\t\\Packages\\Plugins\\Microsoft\.Compute\.CustomScriptExtension\\.*\tdeleted between \S+ and \S+$' "$scratch/out" ||
  { echo 'no deleted file of the extension is named' && exit 1; }

# Errors arrive as documented: an input that is no image ends the run with exit code 3.
status=0
"$scratch/list_deleted" "$scratch/absent.vhd" 2>"$scratch/error" || status=$?
[[ $status == 3 && $(<"$scratch/error") == *absent.vhd* ]] || { echo "absent image: exit status $status, $(<"$scratch/error")" && exit 1; }
