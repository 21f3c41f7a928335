"""Private keys as a developer has them in files."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateFormat = serialization.PrivateFormat


def as_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: PrivateFormat = PrivateFormat.PKCS8,
    password: bytes = b"",
) -> str:
    """PEM of a private key; TraditionalOpenSSL is `BEGIN RSA PRIVATE KEY`."""
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode("ascii")
