#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from a2a_project.interpreter import tune_for_loading


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a2a_project.settings")
    tune_for_loading()
    from django.core.management import execute_from_command_line

    from security.rows import platform_rows

    with platform_rows():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
