"""`make bench`: measures, and writes the tables to build/bench/ as Markdown and JSON."""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from bench import record, relay, replay, simulate, start, store, table
from bench.disk import wait_for_fast_files, working_directory
from bench.load import has_wrk
from bench.subject import ROOT

# Recording comes last: the files that an earlier run deleted would slow it down, see `wait_for_fast_files`.
_PARTS = ("start", "replay", "simulate", "store", "relay", "record")
_OUTPUT = ROOT / "build" / "bench"
_TIMEOUT = 300  # seconds


def main() -> None:
    options = _options()
    rounds, seconds = (3, 1) if options.quick else (options.rounds, options.seconds)
    tables: list[table.Table] = []
    with working_directory(options.directory) as directory:
        measures: dict[str, Callable[[Path], Iterable[table.Table]]] = {
            "record": partial(record.measure, rounds=rounds, seconds=seconds, quick=options.quick),
            "relay": partial(relay.measure, rounds=rounds, seconds=seconds, quick=options.quick),
            "replay": partial(replay.measure, rounds=rounds, quick=options.quick),
            "start": partial(start.measure, rounds=rounds * 2),
            "simulate": partial(
                simulate.measure, rounds=2 if options.quick else rounds, seconds=seconds, quick=options.quick
            ),
            "store": partial(store.measure, rounds=rounds * 2, quick=options.quick),
        }
        for part in options.parts:
            place = directory / part
            place.mkdir()
            if part in ("relay", "record"):
                wait_for_fast_files(place, timeout=0 if options.quick else _TIMEOUT)
            for one in measures[part](place):
                tables.append(one)
                print(table.markdown(one), flush=True)
    _write(tables, {"rounds": rounds, "seconds": seconds, "wrk": has_wrk()})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(_PARTS), metavar="PART", help=", ".join(_PARTS))
    parser.add_argument(
        "--quick", action="store_true", help="within two minutes: fewer and shorter runs, no mitmproxy"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="measurements of each subject")
    parser.add_argument("--seconds", type=int, default=2, metavar="N", help="length of each run under load")
    parser.add_argument("--directory", type=Path, default=_OUTPUT, help="for the files of the programs")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(_PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return options


def _write(tables: list[table.Table], conditions: dict[str, object]) -> None:
    _OUTPUT.mkdir(parents=True, exist_ok=True)
    machine = {
        "system": platform.system(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    document = {**machine, **conditions, "tables": [table.as_json(one) for one in tables]}
    (_OUTPUT / "figures.json").write_text(json.dumps(document, indent=2) + "\n")
    (_OUTPUT / "figures.md").write_text("\n".join(table.markdown(one) for one in tables))
    print(f"Written: {_OUTPUT / 'figures.md'} and figures.json", file=sys.stderr)


if __name__ == "__main__":
    main()
