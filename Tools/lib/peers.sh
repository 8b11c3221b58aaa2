# shellcheck shell=bash
# The stores that Tools/peers runs beside LMDB. Sourced, never run; needs setup.sh.

# File of Tools/Sources/bench-loop/peers, its engines, package, header and library.
peers=(
  "engine_rocksdb.c rocksdb librocksdb-dev rocksdb/c.h rocksdb"
  "engine_leveldb.c leveldb libleveldb-dev leveldb/c.h leveldb"
  "engine_sqlite.c sqlite libsqlite3-dev sqlite3.h sqlite3"
  "engine_tkrzw.c tkrzw-hash,tkrzw-tree libtkrzw-dev tkrzw_langc.h tkrzw"
  "engine_pmemlog.c pmemlog libpmemlog-dev libpmemlog.h pmemlog"
)

# Succeeds if a program that includes the header $1 can be linked with the library $2.
has_library() {
  printf '#include <stddef.h>\n#include <%s>\nint main(void) { return 0; }\n' "$1" |
    "${CC:-cc}" -x c - -l"$2" -o /dev/null 2>/dev/null
}

# Prints a package's version, for those that no call of the library tells.
package_version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo "of an unknown version"; }

# find_peers NAMES: installs what is missing for the engines named, one a line; sets peer_sources,
# peer_libraries and peer_engines (names with commas between) to what is there afterwards, and says
# what is not.
find_peers() {
  local peer file engines package header library
  peer_sources=() peer_libraries=() peer_engines=
  for peer in "${peers[@]}"; do
    read -r file engines package header library <<<"$peer"
    grep -qxF -e "${engines//,/$'\n'}" <<<"$1" || continue
    # One by one: what can't be had must not keep the others away.
    if ! install_packages "$package" || ! has_library "$header" "$library"; then
      say "$package can't be installed here: going on without $engines"
      continue
    fi
    peer_sources+=("Tools/Sources/bench-loop/peers/$file")
    peer_libraries+=("-l$library" "-D${library^^}_PACKAGE=\"$(package_version "$package")\"")
    peer_engines+=${peer_engines:+,}$engines
  done
}
