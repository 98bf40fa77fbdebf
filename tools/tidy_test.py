"""tidy.py on small trees, each with one fault: every rule must find its fault, and nothing else."""
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tidy import MOST_LINES, Tidy  # noqa: E402

OPENING = "#pragma once\n// A value that both planes agree on; whoever made it owns it, and it never changes after.\n"


def header(folder, body=""):
    return f"{OPENING}{body}\nnamespace fairlead::{folder} {{\n}}\n"


GOOD = {
    "src/base/clock.h": header("base", "#include <chrono>"),
    "src/net/loop.h": header("net", '#include "base/clock.h"\n#include <sys/epoll.h>'),
    "src/protocol/http1/head.h": header("protocol", '#include "base/clock.h"'),
    "src/protocol/http1/head.cc": '#include <boost/beast/http.hpp>\nnamespace fairlead::protocol {\n}\n',
    "src/model/policy.h": header("model", '#include "base/clock.h"'),
    "src/edge/session.h": header("edge", '#include "net/loop.h"\n#include "model/policy.h"'),
    "src/edge/session_test.cc": '#include <gtest/gtest.h>\n#include "edge/session.h"\n',
    "src/app/main.cc": '#include <CLI/CLI.hpp>\n#include "edge/session.h"\nint main() {}\n',
    "tests/scenarios/package-lock.json": json.dumps({"packages": {"node_modules/ws": {"version": "8.0.0"}}}),
}

FAULTS = [
    ("include_order", "src/net/bad.h", header("net", '#include "edge/session.h"')),
    ("include_order", "src/model/bad.h", header("model", '#include "net/loop.h"')),
    ("include_order", "src/model/bad.h", header("model", '#include "protocol/http1/head.h"')),
    ("include_order", "src/protocol/bad.h", header("protocol", '#include "net/loop.h"')),
    ("include_order", "src/control/bad.h", header("control", '#include "edge/session.h"')),
    ("include_order", "src/stray/bad.h", header("stray", '#include "base/clock.h"')),
    ("include_path", "src/edge/bad.h", header("edge", '#include "edge/no_such_file.h"')),
    ("include_path", "src/edge/bad.h", header("edge", '#include "../net/loop.h"')),
    ("third_party", "src/edge/bad.cc", "#include <boost/beast/http.hpp>\nnamespace fairlead::edge {}\n"),
    ("third_party", "src/edge/bad.cc", "#include <sys/epoll.h>\nnamespace fairlead::edge {}\n"),
    ("third_party", "src/base/bad.cc", "#include <unheard/of.h>\nnamespace fairlead::base {}\n"),
    ("header_opening", "src/base/bad.h", "// Words first.\n#pragma once\nnamespace fairlead::base {}\n"),
    ("header_opening", "src/base/bad.h", "#pragma once\n// Short.\nnamespace fairlead::base {}\n"),
    ("namespace", "src/base/bad.cc", "namespace fairlead::net {}\n"),
    ("words", "src/edge/bad.cc", "namespace fairlead::edge {}  // the upstream\n"),
    ("unfinished", "tests/sim/bad.cc", "// TO" "DO: later\n"),
    ("sleeping", "src/net/bad_test.cc", "void f() { std::this_thread::sleep_for(1s); }\n"),
    ("sleeping", "src/net/bad_test.cc", "void f() { usleep(10); }\n"),
    ("sleeping", "src/net/bad_test.cc", "void f() { sleep(1); }\n"),
    ("sleeping", "src/net/bad_test.cc", "void f(timespec t) { clock_nanosleep(0, 0, &t, nullptr); }\n"),
    ("length", "src/base/bad.cc", "namespace fairlead::base {}\n" * (MOST_LINES + 1)),
    ("lock_files", "examples/a/package-lock.json",
     json.dumps({"packages": {"node_modules/ws": {"resolved": "https://registry.example/ws.tgz"}}})),
]


def tidy(folder, files):
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    checked = Tidy(folder)
    return checked.run(), checked.findings


def test_a_good_tree_passes_every_rule(tmp_path):
    (passed, failed), findings = tidy(tmp_path, GOOD)
    assert findings == [] and failed == 0 and passed == len(Tidy.RULES)


@pytest.mark.parametrize("rule,path,text", FAULTS)
def test_a_fault_is_found_by_its_rule_alone(tmp_path, rule, path, text):
    (_, failed), findings = tidy(tmp_path, {**GOOD, path: text})
    assert {found for found, _ in findings} == {rule}
    assert failed == 1 and all(path in what for _, what in findings)


def test_every_rule_has_a_fault_that_it_finds():
    assert {rule.__name__ for rule in Tidy.RULES} == {rule for rule, _, _ in FAULTS}


def test_a_timer_of_the_loop_is_not_sleeping(tmp_path):
    text = "namespace fairlead::edge {}\nauto x = loop.sleep_for(d);\nauto y = sleep(world, d);\n"
    _, findings = tidy(tmp_path, {**GOOD, "src/edge/wait.cc": text})
    assert findings == []
