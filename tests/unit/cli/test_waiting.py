"""The command line's own process waits briefly."""

import subprocess
import sys

from gpen_core.cli.waiting import wait_briefly


def test_what_the_user_has_set_stays():
    for given in ({"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}):
        environment = dict(given)
        wait_briefly(environment)
        assert environment == given
    environment = {}
    wait_briefly(environment)
    assert environment == {"GOMP_SPINCOUNT": "1000"}


def test_it_is_said_before_torch_is_imported(repo_root):
    code = """
import sys
import gpen_core.cli.waiting as waiting
waiting.wait_briefly = lambda environment: sys.exit(f"torch is imported: {'torch' in sys.modules}")
import gpen_core.__main__ as command
sys.argv = ["gpen_core", "--help"]
command.run()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=repo_root, capture_output=True, text=True)
    assert done.stderr == "torch is imported: False\n"
