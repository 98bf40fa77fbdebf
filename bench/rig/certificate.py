"""A certificate for the relays: one CA, one ECDSA P-256 leaf, the same for all of them."""

import subprocess
from typing import NamedTuple
from pathlib import Path

HOST = "bench.test"


class Certificate(NamedTuple):
    ca: Path
    chain: Path
    key: Path
    both: Path  # chain and key in one file, as HAProxy wants it


def _openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"openssl {words[0]}: {done.stderr}")


def make(folder, names=(HOST, f"*.{HOST}")):
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    ca, ca_key, chain, key, request, extensions, both = (folder / n for n in (
        "ca.crt", "ca.key", "leaf.crt", "leaf.key", "leaf.csr", "leaf.ext", "leaf.pem"))
    _openssl("req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "30", "-subj", "/CN=bench CA",
             "-addext", "basicConstraints=critical,CA:TRUE")
    extensions.write_text(f"subjectAltName={','.join('DNS:' + n for n in names)}\nextendedKeyUsage=serverAuth\n")
    _openssl("req", *curve, "-keyout", key, "-out", request, "-subj", f"/CN={names[0]}")
    _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-set_serial", "1", "-days", "30",
             "-extfile", extensions, "-out", chain)
    both.write_text(chain.read_text() + key.read_text())
    return Certificate(ca, chain, key, both)
