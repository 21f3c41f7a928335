"""The entry point of `devkit` and `python -m devkit`."""


def main() -> None:
    """Run the command line.

    Until a command runs there is nothing to clean up: Ctrl-C ends the process, without the traceback of an import.
    """
    try:
        import signal  # here: it takes milliseconds itself

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # as a shell calls it
    from devkit.cli import main as run  # here: most of the start is this import

    run()


if __name__ == "__main__":
    main()
