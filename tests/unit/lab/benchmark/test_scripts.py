"""The scripts that compare: they are run by hand, and must not rot."""

import subprocess
import sys


def test_every_script_finds_what_it_imports_and_the_naive_network_is_the_network(repo_root):
    code = f"""
import importlib.util, pathlib, sys
folder = pathlib.Path({str(repo_root / "benchmarks")!r})
sys.path.insert(0, str(folder))
for path in sorted(folder.glob("*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
sys.modules["naive"].main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("differs by") == 2
