"""The doctor: walks the whole path of a receipt and says what is wrong and what to type. Mends nothing itself."""

from devkit.doctor.check import Check
from devkit.doctor.run_checks import DoctorSummary, diagnose, open_context, run_checks

__all__ = ["Check", "DoctorSummary", "diagnose", "open_context", "run_checks"]
