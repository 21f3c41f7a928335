"""The doctor: walks the whole path of a receipt and says what is wrong and what to type. Mends nothing itself."""

from devkit.doctor.check import Check
from devkit.doctor.examination import Diagnosis, diagnose, examine, open_case

__all__ = ["Check", "Diagnosis", "diagnose", "examine", "open_case"]
