"""A Dask cluster of several processes, for tests: `python -m tests.cluster WORKERS MARK`.

It prints the address of its scheduler and runs until its standard input ends. The first worker that comes to a text with
`# fatal` in it leaves the file MARK and is killed; a MARK of `-` spares them all.
"""

from __future__ import annotations

import os
import signal
import sys


def arm(mark: str) -> None:
    """Have this process killed in the middle of its work, if no other has been."""
    import lockcheck.analysis.extract as module

    real = module.extract

    def extract(text: str) -> object:
        facts = real(text)
        if "# fatal" in text:
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return facts
            os.kill(os.getpid(), signal.SIGKILL)
        return facts

    module.extract = extract  # type: ignore[assignment]


def main(workers: int, mark: str) -> None:
    """Serve until the standard input ends."""
    from distributed import Client, LocalCluster

    options = {"dashboard_address": None, "threads_per_worker": 1, "processes": True}
    cluster = LocalCluster(n_workers=workers, **options)  # type: ignore[no-untyped-call]
    with cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        if mark != "-":
            client.run(arm, mark)
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
