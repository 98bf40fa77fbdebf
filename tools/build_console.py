#!/usr/bin/python3
"""Builds the console with npm, unless build/console has it already, and writes it as a source of the program.

    build_console.py OUTPUT.cc

What it is built from is told by a hash over console/ and the API's contract, so that of several presets one builds it.
"""
import fcntl
import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "console"
BUILT = ROOT / "build" / "console"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".json": "application/json", ".woff2": "font/woff2", ".png": "image/png"}
OWN = ("src", "public", "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def sources():
    files = [ROOT / "api" / "openapi.yaml"]
    for name in OWN:
        path = CONSOLE / name
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [f for f in files if f.name != "schema.d.ts"]


def fingerprint():
    hash = hashlib.sha256()
    for file in sources():
        hash.update(str(file.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return hash.hexdigest()


def build():
    """Whoever comes second waits, and finds it done."""
    BUILT.parent.mkdir(exist_ok=True)
    with open(BUILT.parent / "console.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = BUILT.parent / "console.built", fingerprint()
        if stamp.exists() and stamp.read_text() == wanted and (BUILT / "index.html").exists():
            return
        if not (CONSOLE / "node_modules").is_dir():
            sys.exit("console/node_modules is not there: run ./dev setup")
        subprocess.run(["npm", "run", "--silent", "build"], cwd=CONSOLE, check=True, env={**os.environ, "CI": "1"},
                       stdout=subprocess.DEVNULL)
        stamp.write_text(wanted)


def write(source):
    """One source with every file in it, compressed."""
    files = sorted(p for p in BUILT.rglob("*") if p.is_file())
    packed = source.with_suffix(".files")
    packed.mkdir(parents=True, exist_ok=True)
    assembly, symbols, rows = [], [], []
    for n, file in enumerate(files):
        content = file.read_bytes()
        path = "/" + str(file.relative_to(BUILT))
        (packed / f"{n}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        assembly += [f".global console_file_{n}, console_file_{n}_end", f"console_file_{n}:", f'.incbin "{packed / f"{n}.gz"}"',
                     f"console_file_{n}_end:"]
        symbols.append(f"extern const char console_file_{n}[], console_file_{n}_end[];")
        etag = hashlib.sha256(content).hexdigest()[:20]
        fixed = "true" if path.startswith("/assets/") else "false"
        rows.append(f'      {{"{path}", "{TYPES[file.suffix]}", "\\"{etag}\\"", {{console_file_{n}, console_file_{n}_end}}, {fixed}}},')
    source.write_text("\n".join([
        '#include "control/console/console_pages.h"', "", 'asm(R"(', '.section .rodata.console,"a",@progbits', *assembly, ".previous", ')");',
        "", 'extern "C" {', *symbols, "}", "", "namespace fairlead::control {", "", "std::span<const ConsoleFile> console_files() {",
        "  static const ConsoleFile files[] = {", *rows, "  };", "  return files;", "}", "", "}  // namespace fairlead::control", ""]))


if __name__ == "__main__":
    build()
    write(Path(sys.argv[1]))
