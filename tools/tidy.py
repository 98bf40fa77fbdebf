#!/usr/bin/python3
"""Checks what the compiler does not: which folder includes which, where third-party headers may appear, how headers
open, the words we use. Prints every finding as file:line: rule: what, and ends with `N passed, N failed`, counted in
rules. Runs at the head of `./dev test`, in under a second. `tools/tidy.py FOLDER` checks another tree.
"""
import json
import os
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

# The architecture, from top to bottom: a folder of src/ may include only those after it.
LAYERS = ["app", "cli", "control", "edge", "cluster", "store", "model", "protocol", "net", "base"]
# ... and not these, although they come later. model and protocol are pure: no I/O, no clock; store
# waits for files and servers, and so knows nothing that lives on an event loop.
NEVER = {"cli": {"control", "edge", "cluster", "store", "protocol", "net"}, "control": {"edge", "protocol"},
         "edge": {"store"}, "cluster": {"store", "protocol", "net"}, "store": {"protocol", "net"}, "model": {"protocol", "net"}, "protocol": {"net"}}

# Where each third-party library may be included: the fewer places, the cheaper the day it is replaced. First match.
THIRD_PARTY = [
    (r"fmt/", ["src/*", "bench/*"]),  # stands in for <format>, which g++ 12 lacks
    (r"(gtest|gmock)/", ["*_test.cc", "*/testing/*", "tests/*"]),
    (r"benchmark/", ["bench/*"]),
    (r"spdlog/", ["src/base/log.cc"]),
    (r"boost/beast/", ["src/protocol/http1/*.cc"]),
    (r"boost/asio/", ["src/protocol/http1/*.cc"]),  # buffers only, which Beast's parser takes
    (r"nghttp2/", ["src/protocol/http2/*", "bench/load/http2_*.cc"]),
    (r"boost/url", ["src/protocol/*", "src/model/*"]),
    (r"boost/(intrusive|unordered)/", ["src/*"]),  # containers
    (r"openssl/", ["src/net/*", "src/app/admin_*.cc", "src/protocol/websocket/*.cc", "tests/*"]),
    (r"ares\.h|ares_", ["src/net/*.cc"]),
    (r"yaml-cpp/", ["src/model/*.cc"]),
    (r"nlohmann/", ["src/model/*.cc", "src/control/*", "src/cli/*", "bench/load/*.cc", "*_test.cc"]),
    (r"sodium\.h", ["src/control/secrets.cc", "src/edge/policy_file.cc", "*_test.cc"]),
    (r"date/", ["src/control/calendar.cc", "*_test.cc", "*/testing/*"]),
    (r"curl/", ["src/control/delivery/*.cc", "src/cli/*.cc"]),
    (r"zlib\.h", ["src/edge/usage/*.cc",  # CRC-32 of the usage journal
                  "src/control/console/*.cc"]),  # files of the console, for who takes no gzip
    (r"maxminddb\.h", ["src/edge/geo/*.cc"]),
    (r"prometheus/", ["*_test.cc"]),
    (r"CLI/", ["src/app/*.cc", "bench/load/*.cc"]),
    (r"soci/", ["src/store/session.cc"]),  # below store/transaction.h, which takes no SQL but what was written here
    (r"httplib\.h", ["src/app/*.cc"]),
]
# The operating system's headers; those of its network and of waiting belong to net (and to the admin listener, which is
# no part of the data plane).
POSIX = re.compile(r"(sys|netinet|arpa|linux|net)/\w+\.h|(unistd|fcntl|errno|signal|pthread|poll|netdb|time|sched|dirent|"
                   r"limits|stdlib|string|ifaddrs|cxxabi|malloc|execinfo|dlfcn|sysexits|pwd|grp)\.h|sanitizer/\w+\.h")
CONFINED_POSIX = [(r"sys/(epoll|timerfd|socket)\.h|netinet/.*|netdb\.h",
                   ["src/net/*", "src/app/admin_*.cc", "*/testing/*", "*_test.cc", "tests/*", "bench/*"]),
                  (r"arpa/inet\.h", ["src/net/*", "src/model/*", "src/protocol/*", "tests/*", "bench/*"])]  # text <-> address

WARN_LINES, MOST_LINES = 600, 800
SOURCE_ROOTS = ("src", "tests", "bench", "fuzz")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STD = re.compile(r"[a-z_]+")


def layer(path):
    """`src/edge/session.cc` -> `edge`; None outside src/."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


class Tidy:
    def __init__(self, root):
        self.root = Path(root)
        self.findings = []
        self.warnings = []
        self.files = {}
        for top in SOURCE_ROOTS:
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix in (".h", ".cc") and "node_modules" not in path.parts:
                    self.files[path.relative_to(self.root).as_posix()] = path.read_text(errors="replace").splitlines()

    def found(self, rule, path, line, what):
        self.findings.append((rule, f"{path}:{line}: {rule}: {what}"))

    def includes(self):
        for path, lines in self.files.items():
            for number, text in enumerate(lines, 1):
                match = INCLUDE.match(text)
                if match:
                    yield path, number, match.group(1), match.group(2)

    # --- rules: each reports under its own name

    def include_order(self):
        for path, line, quote, target in self.includes():
            here, there = layer(path), target.split("/")[0]
            if quote != '"' or here is None or there not in LAYERS or here == there:
                continue
            if here not in LAYERS:
                self.found("include_order", path, line, f"folder '{here}' has no place in LAYERS")
            elif LAYERS.index(there) < LAYERS.index(here) or there in NEVER.get(here, ()):
                self.found("include_order", path, line, f"{here} must not include {there} ({target})")

    def include_path(self):
        """Quoted includes are relative to src/ and exist; angle brackets are for others' headers."""
        for path, line, quote, target in self.includes():
            homes = [self.root / "src", (self.root / path).parent]
            if not path.startswith("src/"):
                homes.append(self.root)  # tests/sim/peers.h
            if quote == '"' and not any((home / target).exists() for home in homes):
                self.found("include_path", path, line, f'"{target}" is not a file below src/')
            elif quote == '"' and target.startswith("."):
                self.found("include_path", path, line, f'"{target}": write the path from src/')

    def third_party(self):
        for path, line, quote, target in self.includes():
            if quote != "<" or STD.fullmatch(target):
                continue
            rules = THIRD_PARTY + CONFINED_POSIX
            allowed = next((places for pattern, places in rules if re.match(pattern, target)), None)
            if allowed is not None and not any(fnmatch(path, place) for place in allowed):
                self.found("third_party", path, line, f"<{target}> belongs to {', '.join(allowed)}")
            elif allowed is None and not POSIX.fullmatch(target):
                self.found("third_party", path, line, f"<{target}> is in no row of THIRD_PARTY")

    def header_opening(self):
        """A header opens with #pragma once and a paragraph that says what it is."""
        for path, lines in self.files.items():
            if not path.endswith(".h"):
                continue
            rest = [text.strip() for text in lines if text.strip()]
            if not rest or rest[0] != "#pragma once":
                self.found("header_opening", path, 1, "the first line is #pragma once")
                continue
            paragraph = ""
            for text in rest[1:]:
                if not text.startswith("//"):
                    break
                paragraph += text.lstrip("/ ") + " "
            if len(paragraph) < 60:
                self.found("header_opening", path, 2, "a paragraph: what this is, who owns it, what it promises")

    def namespace(self):
        """A folder of src/ is a namespace: fairlead::FOLDER."""
        for path, lines in self.files.items():
            here = layer(path)
            if here is None or here == "app" or path.endswith("_test.cc") or "/testing/" in path:
                continue
            if not any(re.match(rf"namespace fairlead::{here}\b", text) for text in lines):
                self.found("namespace", path, 1, f"no `namespace fairlead::{here}`")

    def words(self):
        """The two sides are the client and the origin."""
        for path, lines in self.files.items():
            for number, text in enumerate(lines, 1):
                match = re.search(r"upstream|downstream", text, re.I) if path.startswith("src/") else None
                if match:
                    self.found("words", path, number, f"'{match.group(0)}': say client, origin, to_origin, to_client")

    def unfinished(self):
        for path, lines in self.files.items():
            for number, text in enumerate(lines, 1):
                match = re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text)
                if match:
                    self.found("unfinished", path, number, f"{match.group(0)}: finish it or file it")

    def sleeping(self):
        """Nothing waits by sleeping: loops have timers, tests have conditions. (EventLoop::sleep_for is a timer.)"""
        for path, lines in self.files.items():
            for number, text in enumerate(lines, 1):
                match = re.search(r"this_thread::sleep\w*|::sleep\s*\(|\b(?:u|\w*nano)sleep\s*\(|\bsleep\s*\(\s*\d", text.split("//")[0])
                if match:
                    self.found("sleeping", path, number, match.group(0).strip())

    def length(self):
        for path, lines in self.files.items():
            if len(lines) > MOST_LINES:
                self.found("length", path, 1, f"{len(lines)} lines, {MOST_LINES} is the most: what is its second subject?")
            elif len(lines) > WARN_LINES:
                self.warnings.append(f"{path}:1: warning: {len(lines)} lines: what is its second subject?")

    def lock_files(self):
        """A lock file pins versions and hashes, not the host they came from: any registry mirror will do."""
        for folder, below, names in os.walk(self.root):
            below[:] = [name for name in below if name not in ("node_modules", "build", ".git")]
            if "package-lock.json" not in names:
                continue
            path = Path(folder, "package-lock.json")
            for name, entry in json.loads(path.read_text())["packages"].items():
                if str(entry.get("resolved", "")).startswith("http"):
                    self.found("lock_files", path.relative_to(self.root), 1,
                               f"{name} names a host (npm: omit-lockfile-registry-resolved)")
                    break

    RULES = [include_order, include_path, third_party, header_opening, namespace, words, unfinished, sleeping, length,
             lock_files]

    def run(self):
        """Checks every rule; returns (passed, failed)."""
        for rule in self.RULES:
            rule(self)
        broken = {rule for rule, _ in self.findings}
        return len(self.RULES) - len(broken), len(broken)


def main():
    tidy = Tidy(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    if not tidy.files:
        print("tidy: no source file found", file=sys.stderr)
        return 1
    passed, failed = tidy.run()
    for text in tidy.warnings + [text for _, text in tidy.findings]:
        print(text)
    print(f"tidy: {len(tidy.files)} files")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
