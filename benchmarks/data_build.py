"""Seconds to build the icon data set from packages that are already fetched.

python -m benchmarks.data_build [PACKAGES]
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import write
from mezzotint.data.icons import build


def main() -> None:
    packages = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        summary = build(Path(folder) / "icons", packages=packages)
        seconds = time.perf_counter() - begin
    write("data_build", {"seconds": seconds, "pictures": summary.pictures, "size": 64, "digest": summary.digest})


if __name__ == "__main__":
    main()
