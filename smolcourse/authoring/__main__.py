"""`python -m smolcourse.authoring [--check|--execute|--restamp] [--force] [--only TEXT] [FILES]`."""

import argparse
import sys

from smolcourse.authoring.build import main_build
from smolcourse.errors import CourseError


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m smolcourse.authoring", description=__doc__.replace("`", "")
    )
    parser.add_argument("files", nargs="*", help="sources to build (default: all)")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    parser.add_argument("--execute", action="store_true", help="run the solutions, keep outputs")
    parser.add_argument(
        "--restamp", action="store_true", help="accept the Chinese cells as current"
    )
    parser.add_argument("--force", action="store_true", help="overwrite hand-edited notebooks")
    parser.add_argument("--only", help="with --execute: only notebooks whose path contains this")
    args = parser.parse_args()
    try:
        outcome = main_build(
            args.files or None,
            args.check,
            args.execute,
            args.restamp,
            args.force,
            args.only,
        )
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    for message in outcome.messages:
        print(message)
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    return outcome.exit_status


if __name__ == "__main__":
    sys.exit(main())
