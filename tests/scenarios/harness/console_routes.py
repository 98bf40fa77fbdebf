"""The routes of the console, as its sources have them."""

import re

from .edge import ROOT

SOURCES = ROOT / "console" / "src" / "pages"
OUTSIDE = {"/sign-in", "/setup", "/password"}  # for who is not signed in


def routes():
    """Every one: "/domains/:domain/basics"."""
    found = []
    for file in sorted(SOURCES.glob("*/routes.tsx")):
        outer = "/"
        for line in file.read_text().splitlines():
            match = re.search(r'page\("([^"]+)", \(\) => import\(.*?\)(, \[)?', line)
            if match and match[2]:
                outer = f"/{match[1]}/"
            elif match:
                found.append(match[1] if match[1].startswith("/") else outer + match[1])
            elif line.strip() == "]),":
                outer = "/"
    return found


def route_of(path):
    """Which route shows that address; one without parameters wins."""
    plain = path.split("?")[0]
    fits = [r for r in routes() if re.fullmatch(re.sub(r":\w+", "[^/]+", r), plain)]
    return min(fits, key=lambda r: r.count(":"), default=None)
