"""What the gateway is told: by `gateway_auth`, and by what proved the caller. docs/access.md shows the table."""

from dataclasses import dataclass

TOKEN = "the-gateways-own-token"
FOREIGN = "Bearer the-clients-own-token"
ALL = "operator.read,operator.write,operator.admin"
#: By what a caller is proved, in the words of the document.
PROOFS = {
    "password": "a password",
    "session": "a session",
    "key": "an API key",
    "address": "an address (`satisfy any`)",
    "public": "nothing: a `public` path",
}
GATEWAYS = ("pass", "bearer", "trusted_proxy")


@dataclass(frozen=True)
class Told:
    #: `Authorization`: "none", "the client's", "the gateway's token".
    authorization: str
    #: The caller's name; None where the field isn't sent.
    user: str | None = None
    #: The scopes; None where the field isn't sent.
    scopes: str | None = None


def told(gateway, proof):
    """What must arrive when the client sends a Bearer token of the gateway's own wherever there is room for it."""
    # A password and a key stand where the token would.
    own = "none" if proof in ("password", "key") else "the client's"
    match gateway:
        case "pass":
            return Told(own)
        case "bearer":
            return Told(own if proof == "public" else "the gateway's token")
        case _:
            if proof in ("password", "session"):
                return Told(own, "alice", ALL)
            if proof == "key":
                return Told(own, "reader", "operator.read")
            return Told(own, None, "")


def render():
    lines = ["", "| proved by | " + " | ".join(f"`{gateway}`" for gateway in GATEWAYS) + " |", "|---|---|---|---|"]
    for proof, words in PROOFS.items():
        lines.append(f"| {words} | " + " | ".join(cell(told(gateway, proof)) for gateway in GATEWAYS) + " |")
    return "\n".join(lines) + "\n\n"


def cell(what):
    said = f"`Authorization`: {what.authorization}"
    if what.scopes is None:
        return said
    name = {"alice": "the user's name", "reader": "the key's id"}.get(what.user, "no name")
    scopes = {ALL: "all scopes", "": "scopes empty"}.get(what.scopes, "the scopes of its permissions")
    return f"{said}; {name}, {scopes}"


#: (gateway, proof, version) of what was proved in this run.
PROVED = set()
