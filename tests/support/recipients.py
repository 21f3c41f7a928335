"""What docs/simulator.md promises for each recipient: the status and err-code of each receipt, in order."""

FAILED = (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 99)
REJECTED = (6, 14, 50, 51, 52, 53, 54)

RECIPIENTS: dict[str, list[tuple[str, str]]] = {
    "447700900000": [("accepted", "0"), ("buffered", "0"), ("delivered", "0")],
    **{f"4477009000{code:02}": [("accepted", "0"), ("failed", str(code))] for code in FAILED},
    **{f"4477009000{code:02}": [("accepted", "0"), ("rejected", str(code))] for code in REJECTED},
    "447700900100": [("accepted", "0")],
    "447700900101": [("expired", "1")],
    "447700900102": [("delivered", "0"), ("delivered", "0")],
    "447700900103": [("delivered", "0"), ("accepted", "0")],
    "447700900104": [("delivered", "0")],
    "447700900105": [],
    "447700900106": [("unknown", "1")],
    "447700900999": [("accepted", "0"), ("buffered", "0"), ("delivered", "0")],
}
