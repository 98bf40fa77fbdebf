"""R25: every string that a person sees is in the translation files, and both languages have all of them. What the sources
say and ask for is read by TypeScript itself (console/words.cjs)."""

import json
import re
import subprocess
from functools import cache

import pytest

from harness.contract import the_contract
from harness.edge import ROOT
from harness.process import HERE

TEXTS = ROOT / "console" / "src" / "i18n"
FORMS = {"en": {"one", "other"}, "zh-CN": {"other"}}  # the plural forms that each language has (CLDR)
VALUE = re.compile(r"\{\{\s*([\w-]+)[^}]*\}\}")
OF_THE_API = "api-words:"  # by its codes
HAN = re.compile(r"[一-鿿]")

# What stands in the sources and is seen as it stands, in every language.
UNITS = {"Mbit/s", "MiB", "GB", "TB", "PB"}  # symbols of units
NAMES = {
    "Fairlead", "… · Fairlead",  # its own name
    "WebSocket", "HTTP", "HTTPS", "HTTP/2", "CSV", "PNG",  # of standards and formats
    "English", "简体中文",  # each language in itself, for who reads no other
    "YYYY-MM-DD HH:mm",  # how a date's digits stand
    # Examples of what is typed, which is the same in every language.
    "live.example.com", "origin.example.com", "/healthz", "X-Frame-Options", "DENY",
    "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----"}
# Not seen: words of the API, and names by which a table knows its columns.
WORDS_OF_PROGRAMS = {"off", "bandwidth", "millisecond", "deleted user", "messages in", "messages out", "no texts …/…",
                     "compare.unusable", "compare.missing", "compare.surplus", "compare.different"}
# A Chinese text without a Chinese character.
SAME_IN_CHINESE = {"ID", "HTTP/1.1", "TLS", "Cookie", "Webhook", "A ≤ B ≤ C", "KiB", "GiB"} | UNITS | NAMES
# Of requests that the console does not send; what the API says of them is shown as it is.
NO_TEXT = {"method_not_allowed", "precondition_required", "unsupported_media_type", "expectation_unknown", "head_too_large",
           "not_implemented", "uri_too_long", "version_not_supported"}


@cache
def texts(language):
    """{"domains:states.online": "Online"} of a language."""
    def flat(part, at):
        for name, value in part.items():
            if isinstance(value, dict):
                yield from flat(value, f"{at}{name}.")
            else:
                yield at + name, value
    found = {}
    for file in sorted((TEXTS / language).glob("*.json")):
        found.update(flat(json.loads(file.read_text()), f"{file.stem}:"))
    return found


def plain(key):
    """Without its plural form."""
    return re.sub(r"_(zero|one|two|few|many|other)$", "", key)


def form(key):
    return key[len(plain(key)) + 1:]


@pytest.fixture(scope="module")
def sources():
    done = subprocess.run(["node", HERE / "console" / "words.cjs"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["files"] > 150 and len(found["used"]) > 1000
    return found


def test_no_text_stands_in_the_sources(sources):
    wrong = [f"{one['at']}: {one['text']}" for one in sources["literals"]
             if one["text"] not in UNITS | NAMES | WORDS_OF_PROGRAMS]
    assert not wrong, "for the translation files:\n" + "\n".join(wrong)
    unneeded = (UNITS | NAMES | WORDS_OF_PROGRAMS) - {one["text"] for one in sources["literals"]}
    assert not unneeded, f"allowed, and nowhere: {unneeded}"


def test_every_text_that_is_asked_for_is_there(sources):
    there = {plain(key) for key in texts("en") | texts("zh-CN")}
    missing = [f"{key} ({at})" for key, at in sources["used"].items() if key not in there]
    missing += [f"{key} ({at})" for key, at in sources["prefixes"].items() if not any(re.fullmatch(pattern(key), k) for k in there)]
    assert not missing and not sources["unknown"], (missing, sources["unknown"])
    # Where the API's word becomes a part of the key.
    codes = the_contract().document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert {c for c in codes if f"common:problem.{c}" not in there} == NO_TEXT
    actions = (ROOT / "console/src/pages/access/audit/actions.ts").read_text()
    said = {f"access:audit.actions.{a}" for a in re.findall(r'"(\w+\.\w+)",', actions)}
    assert said == {key for key in there if key.startswith("access:audit.actions.")}


def pattern(key):
    return re.escape(key).replace(r"\*", ".+")


def test_every_text_is_asked_for(sources):
    patterns = [re.compile(pattern(key)) for key in sources["prefixes"]]
    unused = [key for key in texts("en") if plain(key) not in sources["used"] and not any(p.fullmatch(plain(key)) for p in patterns)]
    assert not unused, unused


def test_both_languages_say_the_same():
    english, chinese = texts("en"), dict(texts("zh-CN"))
    # What the API says is English.
    assert all(text.strip() for key, text in chinese.items() if key.startswith(OF_THE_API))
    chinese = {key: text for key, text in chinese.items() if not key.startswith(OF_THE_API)}
    assert {plain(key) for key in english} == {plain(key) for key in chinese}
    assert not [key for key, text in (english | chinese).items() if not text.strip()], "empty"
    for language, own in (("en", english), ("zh-CN", chinese)):
        # i18next looks for "zero" first, whatever the language.
        plurals = {}
        for key in own:
            if form(key):
                plurals.setdefault(plain(key), set()).add(form(key))
        wrong = {key: forms for key, forms in plurals.items() if forms - {"zero"} != FORMS[language] or key in own}
        assert not wrong, f"{language}: {wrong}"
    plurals = {plain(key) for key in english if form(key)}
    assert {plain(key) for key in chinese if form(key)} == plurals

    def values(text):
        return set(VALUE.findall(text))
    for key, text in chinese.items():
        others = [english[k] for k in english if plain(k) == plain(key) and form(k) in (form(key), "")]
        assert all(values(text) == values(other) for other in others), f"{key}: {text!r} and {others}"
    for key, text in english.items():
        # "one domain" need not name the number.
        other = values(english.get(plain(key) + "_other", text))
        assert values(text) <= other and other - values(text) <= {"count", "number"}, key


def test_chinese_is_chinese():
    unchanged = {}
    for key, text in texts("zh-CN").items():
        said = VALUE.sub("", text).strip(" （）→≤")
        if said and not HAN.search(said) and re.search(r"\w", said) and said not in SAME_IN_CHINESE:
            unchanged[key] = text
    assert not unchanged, unchanged
    assert not {key: text for key, text in texts("en").items() if HAN.search(text)}
