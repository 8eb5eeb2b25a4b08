"""`pytest-clawmark view`: the runs as a local web page."""

from __future__ import annotations

import argparse
from pathlib import Path

DEFAULT = Path("runs")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `--help` explains them."""
    parser.add_argument(
        "runs",
        metavar="RUNS",
        nargs="*",
        type=Path,
        help="folders of runs, or folders that hold such folders (default: runs)",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="where to listen on 127.0.0.1 (default: any free port)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65_536:
        raise argparse.ArgumentTypeError(f"{text} is no port: ports are 0 (any that is free) to 65535")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted. Raises `SettingsError` for what is no folder, and for a port that is taken."""
    from pytest_clawmark.viewer.serving import ADDRESS, open_server

    server = open_server(arguments.runs or [DEFAULT], arguments.port)
    address = f"http://{ADDRESS}:{server.server_port}/"
    try:
        print(f"Runs are shown at {address} until you press Ctrl-C.", flush=True)
        if arguments.open:
            import webbrowser

            webbrowser.open(address)
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()
    return 0
