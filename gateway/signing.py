"""Who signs tokens at this command line: the demo with its shared key, a service account with its own.

Light, because a command loads it: knows no HTTP and no registry.
"""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from authz.jwk import KeyInvalid
from authz.signing import Signing, service_signing
from gateway.config import Config
from gateway.setting import secret


def demo_signing(config: Config) -> Signing:
    """With the key that `mingjing token` and a demo share."""
    return Signing(issuer=config.token_issuer, audience=config.token_audience, algorithm="HS256", material=config.token_key())


def account_signing(config: Config, name: str, file: Path) -> Signing:
    """With the private key in a file, which is its owner's alone. Raises KeyInvalid."""
    try:
        private = load_pem_private_key(secret(file, file), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyInvalid(f"{file} holds no private key in PEM that is not locked by a password") from None
    return service_signing(name, config.token_audience, private)
