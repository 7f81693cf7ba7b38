#!/bin/sh
# replay.sh PROGRAM CORPUS - runs the program on every file of a tar.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tar xJf "$2" -C "$dir"
"$1" "$dir"/*
