#!/usr/bin/python3
"""lint_commands.py FROM TO: copies a compile_commands.json without what only g++ understands: its precompiled headers
and its warning options. clang-tidy then sees each file as if nothing had been included before it, and so notices a
header that a file uses without including it."""
import json
import re
import sys

G_PLUS_PLUS_ONLY = re.compile(
    r" -Winvalid-pch| -include \S*cmake_pch\.hxx| -Wno-(?:maybe-uninitialized|restrict|stringop-overread|"
    r"mismatched-new-delete|array-bounds|dangling-pointer)| -Werror")


def main(source, target):
    with open(source) as file:
        commands = json.load(file)
    commands = [c for c in commands if not c["file"].endswith(("cmake_pch.hxx.cxx", "cmake_pch.hxx"))]
    for command in commands:
        command["command"] = G_PLUS_PLUS_ONLY.sub("", command["command"])
    with open(target, "w") as file:
        json.dump(commands, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
