#!/usr/bin/python3
"""Writes fuzz/corpus/api_body: for every operation of the contract that takes a body one that is right, as the scenarios send
it, and some with one thing wrong. Run it again when the contract has more."""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "scenarios"))

from harness.contract import the_contract  # noqa: E402
from harness.requests import Things, body_of  # noqa: E402
from harness.schemas import dump, mutations  # noqa: E402

CORPUS = HERE / "corpus" / "api_body"


def pair():
    """A chain and its key that have long to live: the target's clock stands in January 2027."""
    with tempfile.TemporaryDirectory() as folder:
        key, chain = Path(folder, "key"), Path(folder, "chain")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", chain, "-days", "36500", "-subj", "/CN=a.example", "-addext", "subjectAltName=DNS:a.example"],
                       check=True, capture_output=True)
        return chain.read_text(), key.read_text()


def main():
    ids = dict.fromkeys(("user_id", "token_id", "config_id", "certificate_id", "application_id"), "0" * 32)
    things = Things(account_id="0" * 32, **ids, session_id="0", domain="live.example.com", number=1, email="a@b.example",
                    layer7="slow", certificate="site", pair=pair())
    draw = random.Random(1)
    CORPUS.mkdir(exist_ok=True)
    for old in CORPUS.iterdir():
        old.unlink()
    for operation in the_contract().operations:
        body = body_of(operation, things, 1)
        if body is None:
            continue
        # The target's customer is who asks, and has no certificate to bind.
        body.pop("account_id", None)
        if "certificates" in body:
            body["certificates"] = []
        head = operation.id.encode() + b"\n"
        (CORPUS / operation.id).write_bytes(head + dump(body))
        short = [m for what, m in mutations(the_contract(), operation.body, body)
                 if not any(w in what for w in ("huge", "long", "deep", "500 digits"))]
        for i, make in enumerate(draw.sample(short, 4)):
            (CORPUS / f"{operation.id}_{i}").write_bytes(head + make())


if __name__ == "__main__":
    main()
