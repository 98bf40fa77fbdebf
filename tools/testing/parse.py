"""Counts out of what the runners write: ctest's and pytest's JUnit files, and plain `N passed, N failed` lines.
Each function returns (passed, failed, skipped)."""
import re
import xml.etree.ElementTree as ElementTree

OK = re.compile(r"^\[       OK \] ", re.M)
FAILED = re.compile(r"^\[  FAILED  \] .* \(\d+ ms\)$", re.M)
SKIPPED = re.compile(r"^\[  SKIPPED \] .* \(\d+ ms\)$", re.M)
TALLY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def count_ctest(path):
    """ctest's JUnit file. A test program that prints GoogleTest's lines counts by its cases, one that prints a tally
    by that, any other as one; one that failed beyond what its lines say (a crash, a leak) counts one failure."""
    passed = failed = skipped = 0
    if not path.exists():
        return 0, 0, 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        good, bad, none = (len(p.findall(output)) for p in (OK, FAILED, SKIPPED))
        if good + bad + none == 0:
            good, bad, none = tally_line(output)
        status = case.get("status")
        if status == "run" and good + bad + none == 0:
            good = 1
        if status == "fail" and bad == 0:
            bad = 1
        if status in ("notrun", "disabled"):
            bad += 1
        passed, failed, skipped = passed + good, failed + bad, skipped + none
    return passed, failed, skipped


def count_pytest(path):
    """pytest's JUnit file. An error in set-up or tear-down is a failure."""
    if not path.exists():
        return 0, 0, 0
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            failed += 1
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def failed_pytest(path, folder):
    """The ids, as pytest takes them, of the tests below `folder` that failed in its JUnit file."""
    ids = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if {child.tag for child in case} & {"failure", "error"}:
            ids.append(f"{folder}/{case.get('classname').replace('.', '/')}.py::{case.get('name')}")
    return list(dict.fromkeys(ids))


def tally_line(text):
    """The last `N passed, N failed` that stands alone on a line."""
    found = TALLY.findall(text)
    return tuple(int(n or 0) for n in found[-1]) if found else (0, 0, 0)
