"""Record, replay and test Vonage SMS delivery receipts on your own machine."""

__version__ = "0.1.0"
