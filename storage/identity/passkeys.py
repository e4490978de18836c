"""Judges passkeys by the ``webauthn`` library (W3C Web Authentication, level 2).

Rule 1: the device has verified its user (a PIN, a finger, a face), for our page and our challenge.
Rule 2: what the library says of a wrong answer stays here: it quotes what the browser sent.
"""

from __future__ import annotations

from vault.credentials import NewCredential, RelyingParty
from vault.errors import InvalidInput, NotSignedIn


def check_new_passkey(attestation: str, challenge: bytes, party: RelyingParty) -> NewCredential:
    """``vault.credentials.CheckNewPasskey``. Attestation is not asked for: whose make a device is does not count."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = verify_registration_response(
            credential=attestation,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
        raise InvalidInput("this passkey was not made as it must be; try again, or use another device") from exc
    return NewCredential(
        credential_id=made.credential_id, public_key=made.credential_public_key, sign_count=made.sign_count
    )


def check_passkey(assertion: str, challenge: bytes, party: RelyingParty, public_key: bytes, sign_count: int) -> int:
    """``vault.credentials.CheckPasskey``. A count that does not grow tells of a copied device: refused."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        verified = verify_authentication_response(
            credential=assertion,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
        raise NotSignedIn("this passkey did not prove anything; try again, or use another one") from exc
    return verified.new_sign_count
