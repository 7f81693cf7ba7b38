#!/bin/sh
# build_libtsan.sh CLANG OUTPUT INCLUDE SOURCE... - links with the sanitizer what is compiled
# without it.  Where there is no libclang-rt-dev nothing is built, and that is said.
set -eu
clang=$1 output=$2 include=$3
shift 3
if ! echo 'int main(){}' | "$clang" -fsanitize=thread -x c - -o /dev/null 2>/dev/null; then
    echo "clang has no -fsanitize=thread here" >&2
    exit 1
fi
dir=$output.o
mkdir -p "$dir"
rm -f "$dir"/*.o
for source in "$@"; do
    "$clang" -O2 -g -std=gnu11 -Wall -Wextra -D_GNU_SOURCE= -I"$include" -c "$source" \
        -o "$dir/$(basename "$source" .c).o"
done
"$clang" -fsanitize=thread "$dir"/*.o -o "$output"
