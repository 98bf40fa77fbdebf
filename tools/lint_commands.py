#!/usr/bin/python3
"""lint_commands.py FROM TO: copies a compile_commands.json without what only g++ understands. Its compiled precompiled
header becomes the plain header it was made from, its own warning options go."""
import json
import re
import sys
from pathlib import Path

PCH = re.compile(r"-Winvalid-pch -include (\S*cmake_pch\.hxx)")
G_PLUS_PLUS_ONLY = re.compile(
    r" -Wno-(?:maybe-uninitialized|restrict|stringop-overread|mismatched-new-delete|array-bounds|dangling-pointer)| -Werror")


def plain_header(match):
    """The header that CMake's generated cmake_pch.hxx includes: no compiled one lies beside it."""
    source = re.search(r'#include "(.*)"', Path(match.group(1)).read_text()).group(1)
    return f"-include {source}"


def main(source, target):
    commands = json.loads(Path(source).read_text())
    commands = [c for c in commands if "cmake_pch" not in Path(c["file"]).name]
    for command in commands:
        command["command"] = G_PLUS_PLUS_ONLY.sub("", PCH.sub(plain_header, command["command"]))
    Path(target).write_text(json.dumps(commands, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
