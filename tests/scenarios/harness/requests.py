"""One right request for every operation of the contract, about given things: what strangers send in test_api_guard.py and
what test_api_fuzz.py breaks. An operation or a member of a body that the contract has and this file does not fails both."""

import itertools
import urllib.parse
from dataclasses import dataclass, replace

from .contract import the_contract
from .control import PASSWORD
from .schemas import members

_number = itertools.count(1)
# In a body made for `fresh` to work on: what must be another number each time it is sent.
NUMBER = 770077


@dataclass(frozen=True)
class Things:
    """What requests are about, under the names that the contract's parameters have. `layer7` and `certificate` are the
    names by which a domain speaks of its configuration and certificate, `pair` is (chain, key) in PEM."""
    account_id: str
    user_id: str
    token_id: str
    config_id: str
    certificate_id: str
    application_id: str
    price_book_id: str
    pack_id: str
    session_id: str
    domain: str
    number: int
    email: str
    layer7: str
    certificate: str
    pair: tuple
    product: str
    bill: int
    port: int = 8000

    def made_up(self):
        """Things of the same shape that nobody has."""
        def other(text):
            return text.translate(str.maketrans("0123456789abcdef", "fedcba9876543210"))
        ids = {n: other(getattr(self, n)) for n in ("account_id", "user_id", "token_id", "config_id", "certificate_id",
                                                    "application_id", "price_book_id", "pack_id")}
        return replace(self, **ids, product=other(self.product), bill=self.bill + 1000, session_id=self.session_id[::-1], domain="q" + self.domain[1:], email="q" + self.email[1:],
                       layer7="q" + self.layer7[1:], certificate="q" + self.certificate[1:])


def settings_of(t):
    """Of a domain: every key that there is."""
    return {
        "acceleration": "whole-site",
        "http2": True,
        "origins": [{"host": "127.0.0.1", "http_port": t.port, "https_port": t.port, "weight": 10, "priority": "primary",
                     "insecure": True},
                    {"host": "origin.example", "http_port": t.port, "https_port": "off", "weight": 1, "priority": "backup",
                     "insecure": False}],
        "origin_tls": {"verify": True, "ca_file": t.pair[0], "server_name": "origin.example"},
        "origin_proxy_protocol": "off",
        "origin_host_header": "origin.example:8080",
        "origin_request_timeout": "30s",
        "load_balancing": {"policy": "consistent-hash", "hash_key": "header", "hash_name": "x-user", "persistence": "cookie",
                           "cookie_name": "sticky", "cookie_max_age": "1h"},
        "health_check": {"path": "/healthz", "host": "origin.example", "scheme": "http", "interval": "60s", "timeout": "2s",
                         "healthy_after": 2, "unhealthy_after": 3, "status": "200-399",
                         "passive": {"enabled": True, "failures": 3, "window": "10s", "eject": "10s", "count_5xx": True,
                                     "count_refused": True, "count_timeout": True}},
        "websocket": websocket_of(t),
        "limits": {"max_sessions": 1000, "max_sessions_per_client": 10, "handshakes_per_second": 100,
                   "handshakes_per_second_per_client": "off"},
    }


def websocket_of(_):
    return {"enabled": True, "connection_timeout": "60s", "heartbeat": {"interval": "25s", "to": "client", "pong_timeout": "10s"},
            "origin_scheme": "http", "on_disable": "drain", "drain_time": "10s", "max_session_age": "off", "validate": True,
            "max_message_size": "1MiB", "client_interval": "30s", "origin_timeout": "90s"}


def layer7_of(_):
    return {"client_header_timeout": "60s", "client_body_timeout": "60s", "client_max_body_size": "60MiB",
            "keepalive_timeout": "75s", "proxy_connect_timeout": "4s", "proxy_send_timeout": "60s", "proxy_read_timeout": "60s",
            "ssl_protocols": ["TLSv1.2", "TLSv1.3"], "ssl_ciphers": "ECDHE+AESGCM",
            "add_header": [{"name": "x-edge", "value": "one"}]}


def tariff_of():
    return {"mode": "graduated", "tiers": [{"up_to": 10, "price": 240000}, {"up_to": None, "price": 0}]}


def prices_of(effective):
    """A price book of everything that one can have."""
    return {"effective": effective, "currency": "USD", "basis": "frames", "unit_bytes": 10**9,
            "traffic": {"day": tariff_of(), "month": tariff_of()}, "bandwidth": {"day": tariff_of(), "month": tariff_of()}}


def fields_of(t):
    return {"company": "Company", "contact_name": "Contact", "contact_email": t.email, "contact_phone": "+1 555 0100",
            "use_case": "live-comments", "description": "What it is for", "expected_sessions": 1000, "expected_bandwidth_mbps": 10}


def domain_of(t):
    return {"service_region": "overseas", "icp_number": "ICP-1", "settings": settings_of(t), "layer7_config": t.layer7,
            "certificates": [t.certificate]}


# By operationId. `n` is another number each time, for what must have a name of its own. Passwords and keys that open
# something are wrong here: nobody is signed out or taken over by the way.
BODIES = {
    "setUpFirstOperator": lambda t, n: {"key": "fll_none", "account_name": "Operators", "email": t.email, "password": PASSWORD},
    "logIn": lambda t, n: {"email": t.email, "password": "not the password"},
    "setPassword": lambda t, n: {"key": "fll_none", "password": PASSWORD},
    "changePassword": lambda t, n: {"old_password": "not the password", "new_password": "another long password"},
    "createToken": lambda t, n: {"name": f"token {n}", "scope": "read", "expires_in_days": 1},
    "createAccount": lambda t, n: {"name": f"Account {n}", "time_zone": "UTC", "identity_verified": True,
                                   "websocket_default": "by-acceleration"},
    "changeAccount": lambda t, n: {"time_zone": "Asia/Shanghai", "websocket_default": "by-acceleration"},
    "createUser": lambda t, n: {"account_id": t.account_id, "email": f"user{n}@customer.test", "role": "customer",
                                "password": PASSWORD},
    "changeUser": lambda t, n: {"disabled": True},
    "createDomain": lambda t, n: {"name": f"n{n}.guard.test", "account_id": t.account_id, "migrated": False, **domain_of(t)},
    "replaceDomain": lambda t, n: domain_of(t),
    "changeDomain": lambda t, n: domain_of(t),
    "changeWebSocket": lambda t, n: websocket_of(t),
    "createLayer7Config": lambda t, n: {"name": f"layer 7 {n}", "account_id": t.account_id, "settings": layer7_of(t)},
    "replaceLayer7Config": lambda t, n: {"name": t.layer7, "settings": layer7_of(t)},
    "uploadCertificate": lambda t, n: {"name": f"certificate {n}", "account_id": t.account_id, "chain": t.pair[0],
                                       "key": t.pair[1]},
    "replaceCertificate": lambda t, n: {"chain": t.pair[0], "key": t.pair[1]},
    "submitApplication": lambda t, n: {"kind": "activation", "account_id": t.account_id, "fields": fields_of(t)},
    "approveApplication": lambda t, n: {"reason": "welcome"},
    "rejectApplication": lambda t, n: {"reason": "not enough"},
    "replacePolicy": lambda t, n: {"approve_automatically": False,
                                   "gates": {"account_verified": True, "domain_ownership": True, "whole_site_acceleration": True,
                                             "activation": True, "icp_regions": ["mainland"]},
                                   "billing_required": False, "customers_buy_packs": False},
    "chooseBillingMethod": lambda t, n: {"account_id": t.account_id, "method": "traffic", "period": "day"},
    "cancelBillingChange": lambda t, n: {"account_id": t.account_id},
    "createPriceBook": lambda t, n: {"account_id": t.account_id, **prices_of(f"{3000 + n % 6000}-01-01")},
    "createPackProduct": lambda t, n: {"name": f"pack {n}", "bytes": 10**9, "validity_days": 30, "currency": "USD", "price": 10**6},
    "buyResourcePack": lambda t, n: {"account_id": t.account_id, "product_id": t.product},
}
# What a customer's request leaves out because it is the operators' to say, or would be another request with it.
ABSENT = {"changeAccount": {"/name", "/state", "/identity_verified"}, "changeUser": {"/role"}, "submitApplication": {"/domain"}}
# By the name of the parameter: a value that is right.
QUERIES = {
    "limit": lambda t: 5, "after": lambda t: "", "search": lambda t: t.domain, "account_id": lambda t: t.account_id,
    "state": lambda t: None, "layer7_config": lambda t: t.config_id, "client": lambda t: "127.0.0.1", "kind": lambda t: "activation",
    "object_type": lambda t: "domain", "object_name": lambda t: t.domain, "action": lambda t: "domain.create",
    "start_time": lambda t: "2020-01-01T00:00:00Z", "end_time": lambda t: "2100-01-01T00:00:00Z", "dry_run": lambda t: "true",
    "domain": lambda t: t.domain, "interval": lambda t: 3600, "region": lambda t: "unknown", "isp": lambda t: "unknown",
    "group": lambda t: "region", "time_zone": lambda t: "Asia/Shanghai", "meter": lambda t: "websocket", "basis": lambda t: "wire",
    "format": lambda t: "csv", "sparse": lambda t: "true",
}


def body_of(operation, things, number=None):
    """A body that the operation takes, or None. Its own new names are those of `number`, or of no other."""
    if operation.body is None:
        return None
    assert operation.id in BODIES, f"{operation.id} takes a body, and harness/requests.py has none for it"
    return BODIES[operation.id](things, next(_number) if number is None else number)


def fresh(payload):
    """The bytes of a body made with NUMBER, under names that were not there before."""
    return payload.replace(str(NUMBER).encode(), str(next(_number)).encode())


def path_of(operation, things):
    path = operation.path
    for p in operation.parameters:
        if p["in"] == "path":
            assert hasattr(things, p["name"]), f"{operation}: harness/requests.py has no {p['name']}"
            path = path.replace("{" + p["name"] + "}", urllib.parse.quote(str(getattr(things, p["name"])), safe=""))
    required = [(p["name"], p["schema"]) for p in operation.parameters if p["in"] == "query" and p.get("required")]
    query = {name: the_contract().resolve(schema)["enum"][0] for name, schema in required}
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def complete(things):
    """What the contract's bodies have and those of this file have not."""
    missing = []
    for operation in the_contract().operations:
        if operation.body is None:
            continue
        for pointer, _, present in members(the_contract(), operation.body, body_of(operation, things), absent=True):
            if not present and pointer not in ABSENT.get(operation.id, ()):
                missing.append(f"{operation.id} {pointer}")
    return missing
