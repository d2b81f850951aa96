"""The room can be used where there is no Django: in a tool of an operator, or in an agent."""

import subprocess
import sys


def test_it_is_importable_without_django() -> None:
    program = "import sys, security.identity; assert not any(name.startswith('django') for name in sys.modules)"

    subprocess.run([sys.executable, "-c", program], check=True)
