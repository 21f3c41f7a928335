"""How many random examples are tried."""

from hypothesis import HealthCheck, settings

from reliability.conftest import QUICK

fuzz = settings(
    max_examples=50 if QUICK else 500,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
