"""The console's pages, as Furnished fills them (harness/furnished.py): by a name that pictures have, too."""


def of_nobody():
    return {"sign-in": "/sign-in", "setup": "/setup#fll_none", "password-link": "/password#fll_none"}


def of_customer(furnished):
    domain = "/domains/live.example.com"
    return {
        "domains": "/domains", "domain-add": "/domains/add", "domain-going-live": "/domains/chat.example.com/going-live",
        **{f"domain-{tab}": f"{domain}/{tab}" for tab in ("basics", "origins", "https", "http2", "websocket", "layer7", "limits", "sessions")},
        "content-websockets": "/content/websockets",
        "monitor": "/monitor", **{f"monitor-{tab}": f"/monitor?tab={tab}" for tab in ("traffic", "codes", "places", "sessions", "live")},
        "activation": "/activation", "billing": "/billing", "packs": "/packs", "pack": f"/packs/{furnished.pack}",
        "bills": "/bills", "bill": "/bills/1", "bills-running": "/bills/running",
        "certificates": "/certificates", "certificate-add": "/certificates/add", "certificate": f"/certificates/{furnished.certificate}",
        "layer7": "/layer7", "layer7-add": "/layer7/add", "layer7-edit": f"/layer7/{furnished.layer7}",
        "tokens": "/tokens", "audit": "/audit", "password-change": "/password/change", "not-found": "/there/is/no/such/page",
    }


def of_operator(furnished):
    return {
        "desk": "/desk", "desk-application": f"/desk/{furnished.application}", "accounts": "/accounts",
        "account": f"/accounts/{furnished.customer.account}", "edges": "/edges", "prices": "/prices", "prices-packs": "/prices?tab=packs",
        "prices-add": "/prices/add", "policy": "/policy", "notices": "/notices", "operator-domains": "/domains",
        "operator-monitor": "/monitor", "operator-activation": "/activation", "operator-billing": "/billing",
        "operator-packs": "/packs", "operator-bills": "/bills", "operator-certificates": "/certificates",
        "operator-layer7": "/layer7", "operator-audit": "/audit",
    }
