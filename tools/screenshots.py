#!/usr/bin/python3
"""Takes pictures of every page of the console, in both languages and both appearances, into docs/images/console/.

    screenshots.py [--into FOLDER] [--only NAME,NAME...] [--width W] [--height H]

A node of its own is furnished as for the tests (tests/scenarios/harness/furnished.py): made-up customers, real sessions.
Those that the documentation shows are kept in git (docs/images/.gitignore names them); the others are for looking at."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "scenarios"))
os.environ.setdefault("FAIRLEAD_BIN", str(ROOT / "build" / "dev" / "fairlead"))

from harness import console_pages, names  # noqa: E402
from harness.authority import Authority  # noqa: E402
from harness.control import Node  # noqa: E402
from harness.furnished import PASSWORD, Furnished  # noqa: E402
from harness.process import Origin, run_client  # noqa: E402

WAYS = [(language, scheme) for language in ("en", "zh-CN") for scheme in ("light", "dark")]


def take(node, furnished, asked):
    """All of them; returns how many."""
    asked.into.mkdir(parents=True, exist_ok=True)
    count = 0
    for language, scheme in WAYS:
        for pages, email in ((console_pages.of_nobody(), None), (console_pages.of_customer(furnished), "customer@example.com"),
                             (console_pages.of_operator(furnished), "operator@example.com")):
            pages = {name: path for name, path in pages.items() if not asked.only or name in asked.only}
            if not pages:
                continue
            begun = time.monotonic()
            run_client("../console/walk.cjs", json.dumps({
                "port": node.admin, "language": language, "scheme": scheme, "width": asked.width, "height": asked.height,
                "pages": pages, "pictures": str(asked.into.resolve()), "suffix": f"-{language}-{scheme}", "axe": False,
                **({"email": email, "password": PASSWORD} if email else {})}), timeout=600)
            count += len(pages)
            print(f"{len(pages):3} pictures for {email or 'nobody'}, {language}, {scheme}: {time.monotonic() - begun:.1f} s", flush=True)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "images" / "console", metavar="FOLDER")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAME,NAME", help="of tests/scenarios/harness/console_pages.py")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=1080)
    asked = parser.parse_args()
    names.install()
    with tempfile.TemporaryDirectory(prefix="fairlead-pictures-") as folder:
        folder = Path(folder)
        node = Node(folder / "node")
        origin = furnished = None
        try:
            node.start()
            node.set_up("operator@example.com")
            authority = Authority(folder / "ca")
            origin = Origin("ws_hash.cjs", folder / "origins", ca=authority)
            furnished = Furnished(node, origin, authority)
            furnished.let_days_pass()
            furnished.connect()
            print(f"{take(node, furnished, asked)} pictures in {asked.into}")
        finally:
            if furnished:
                furnished.stop()
            node.stop()
            if origin:
                origin.stop()


if __name__ == "__main__":
    main()
