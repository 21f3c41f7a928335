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

# The same for the statuses of the Messages API: the status and the number of its error.
_ERRORS = {
    **{1: "1330", 2: "1180", 3: "1190", 4: "1330", 5: "1200", 6: "1210", 7: "1220", 8: "1230", 9: "1240"},
    **{10: "1040", 11: "1250", 12: "1260", 13: "1270", 14: "1280", 15: "1290", 99: "1330"},
    **{50: "1480", 51: "1481", 52: "1482", 53: "1483", 54: "1484"},
}
MESSAGES_RECIPIENTS: dict[str, list[tuple[str, str]]] = {
    "447700900000": [("submitted", ""), ("delivered", "")],
    **{f"4477009000{code:02}": [("submitted", ""), ("rejected", error)] for code, error in _ERRORS.items()},
    "447700900100": [("submitted", "")],
    "447700900101": [("rejected", "1360")],
    "447700900102": [("delivered", ""), ("delivered", "")],
    "447700900103": [("delivered", ""), ("submitted", "")],
    "447700900104": [("delivered", "")],
    "447700900105": [],
    "447700900106": [("rejected", "1330")],
    "447700900108": [("undeliverable", "1100")],
    "447700900109": [("submitted", ""), ("delivered", "")],
    "447700900999": [("submitted", ""), ("delivered", "")],
}
