"""What a browser sends when a passkey is made, without a browser."""

from __future__ import annotations

from hashlib import sha256

from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData


def registered(name: str) -> dict[str, object]:
    """A credential of this name, as the accounts library keeps it; no key behind it can sign."""
    key = ES256({1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32})
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    credential = AttestedCredentialData.create(Aaguid.NONE, name.encode(), key)
    seen = AuthenticatorData.create(sha256(b"testserver").digest(), flags, 0, credential)
    told = CollectedClientData.create("webauthn.create", b"challenge", "https://testserver")
    response = {
        "attestationObject": websafe_encode(AttestationObject.create("none", seen, {})),
        "clientDataJSON": websafe_encode(told),
    }
    handle = websafe_encode(name.encode())
    return {"id": handle, "rawId": handle, "type": "public-key", "response": response, "clientExtensionResults": {}}
