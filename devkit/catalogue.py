"""The sample catalogue: receipts of every kind as fixture files, in the wheel and in a checkout."""

from pathlib import Path

# Public on purpose: whoever has the samples can check their signatures. Never the secret of an account.
TEST_SIGNATURE_SECRET = "test-signature-secret"


def samples_directory(package: Path = Path(__file__).parent) -> Path:
    """Where the samples are: packed into the installed package, else beside it in the checkout."""
    packed = package / "samples"
    return packed if packed.is_dir() else package.parent / "fixtures" / "samples"
