"""The house itself: the folder named coverage/, the order of the rooms, what the package may not do."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "coverage" / "sweeplens"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = (
    "torch",
    "faiss",
    "umap",
    "hdbscan",
    "pandas",
    "streamlit",
    "sklearn",
    "transformers",
    "onnxruntime",
    "numba",
    "matplotlib",
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def python(*args, cwd=ROOT, **env):
    """Run this Python on `args` with the repository's root as its place, where coverage/ is in the way."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def git(*args):
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=False)


# -- the folder coverage/ and the package coverage.py ------------------------------------------------


def test_coverage_folder_is_no_package():
    assert not (ROOT / "coverage" / "__init__.py").exists()
    assert sorted(p.name for p in (ROOT / "coverage").iterdir() if p.name != "__pycache__") == ["sweeplens"]


@pytest.mark.parametrize("module", ["numba", "umap"])
def test_what_imports_coverage_at_start_works_from_the_root(module):
    done = python("-W", "ignore", "-c", f"import {module}; print({module}.__version__)")
    assert done.returncode == 0, done.stderr
    assert re.match(r"\d+\.\d+", done.stdout)


def test_import_coverage_gives_the_real_one():
    done = python("-c", "import coverage, coverage.types; print(coverage.__version__, coverage.__file__)")
    assert done.returncode == 0, done.stderr
    version, file = done.stdout.split()
    assert tuple(map(int, version.split(".")[:3])) >= (7, 6, 1)
    assert not Path(file).is_relative_to(ROOT / "coverage")


def test_pytest_runs_from_the_root():
    done = python("-m", "pytest", "--version")
    assert done.returncode == 0, done.stderr


def test_pytest_measures_coverage_from_the_root(tmp_path):
    test = tmp_path / "test_tiny.py"
    test.write_text(
        "from sweeplens.text import content_hash\n\n\ndef test_hash():\n    assert len(content_hash('a')) == 32\n"
    )
    options = ["-c", "pyproject.toml", "--rootdir", ".", "-p", "no:cacheprovider", "--cov=sweeplens"]
    done = python("-m", "pytest", *options, str(test), COVERAGE_FILE=str(tmp_path / ".coverage"))
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if re.search(r"sweeplens.text\.py", line))
    assert 0 < int(re.search(r"(\d+)%", line).group(1)) < 100


def test_coverage_is_a_runtime_dependency():
    assert any(re.match(r"coverage\s*>=\s*7\.6\.1", need) for need in PYPROJECT["project"]["dependencies"])


def test_git_does_not_ignore_the_package():
    assert git("check-ignore", "--no-index", "--quiet", "coverage/sweeplens/cli.py").returncode == 1
    assert git("check-ignore", "--no-index", "--quiet", "htmlcov/index.html").returncode == 0


def test_git_tracks_only_two_files_of_the_default_store():
    tracked = set(git("ls-files", "indexes").stdout.split())
    assert tracked == {"indexes/.gitignore", "indexes/README.md"}
    assert git("check-ignore", "--no-index", "--quiet", "indexes/CURRENT").returncode == 0


# -- what starts quickly ------------------------------------------------


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "sys.argv = ['sweeplens', '--help']\n"
        "from sweeplens.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        f"heavy = sorted(set({HEAVY!r}) & set(sys.modules))\n"
        "print('heavy:', *heavy, file=sys.stderr)\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "build" in done.stdout
    assert done.stderr.splitlines()[-1].split() == ["heavy:"]


def test_rooms_import_nothing_heavy():
    rooms = [f"sweeplens.{p.parent.name}" for p in sorted(PACKAGE.glob("*/__init__.py"))]
    code = (
        "import importlib, sys\n"
        f"for room in {rooms!r}:\n"
        "    importlib.import_module(room)\n"
        f"print(*set({HEAVY!r}) & set(sys.modules))\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


# -- the order of the rooms ------------------------------------------------


def lint_imports(folder):
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return python("-c", command, "--no-cache", cwd=folder, PYTHONPATH=str(folder / "coverage"))


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "coverage" / "sweeplens", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_rooms_are_in_order(copied):
    done = lint_imports(copied)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("errors.py", "text"), ("logs/rows.py", "store"), ("signals/__init__.py", "detect"), ("demo/log.py", "embed")],
)
def test_a_lower_room_that_imports_a_higher_one_fails(copied, lower, higher):
    with (copied / "coverage" / "sweeplens" / lower).open("a", encoding="utf-8") as stream:
        stream.write(f"\nimport sweeplens.{higher}\n")
    done = lint_imports(copied)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert f"sweeplens.{higher}" in done.stdout


def test_every_room_has_its_place():
    rooms = {p.stem for p in PACKAGE.glob("*.py")} | {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    (contract,) = PYPROJECT["tool"]["importlinter"]["contracts"]
    placed = [name.strip() for layer in contract["layers"] for name in layer.split("|")]
    assert {f"sweeplens.{room}" for room in rooms - {"__init__", "__main__"}} == set(placed)


# -- what the package may not do ------------------------------------------------


def calls_print(tree):
    return [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", None) == "print"]


def imports_pickle(tree):
    banned = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    lines = []
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        lines += [node.lineno for name in names if name.split(".")[0] in banned]
    return lines


def catches_everything(tree):
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            cleans_up = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            broad = any(k is None or getattr(k, "id", None) in {"Exception", "BaseException"} for k in kinds)
            if broad and not cleans_up:
                lines.append(node.lineno)
    return lines


def long_functions(tree):
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [f"{n.name} ({n.end_lineno - n.lineno + 1})" for n in functions if n.end_lineno - n.lineno + 1 > 60]


@pytest.mark.parametrize("rule", [calls_print, imports_pickle, catches_everything, long_functions])
def test_rules_of_the_package(rule):
    broken = {}
    for path in MODULES:
        found = rule(ast.parse(path.read_text(encoding="utf-8")))
        if found:
            broken[str(path.relative_to(ROOT))] = found
    assert broken == {}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (calls_print, "print('x')"),
        (imports_pickle, "from joblib import load"),
        (imports_pickle, "import os, pickle"),
        (catches_everything, "try:\n    pass\nexcept:\n    pass"),
        (catches_everything, "try:\n    pass\nexcept (OSError, Exception):\n    pass"),
        (long_functions, "def f():\n" + "    x = 1\n" * 60),
    ],
)
def test_rules_see_what_they_forbid(rule, code):
    assert rule(ast.parse(code))


def test_modules_are_short():
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_rooms_export_at_most_six_names():
    exports = {}
    for path in PACKAGE.glob("*/__init__.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
                exports[path.parent.name] = len(ast.literal_eval(node.value))
    assert exports
    assert {room: n for room, n in exports.items() if n > 6} == {}


# -- what is promised outside of the package ------------------------------------------------


def plain(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement).group().lower().replace("_", "-")


def test_constraints_pin_every_dependency():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in pins.values())
    needed = PYPROJECT["project"]["dependencies"] + PYPROJECT["project"]["optional-dependencies"]["dev"]
    assert {plain(need) for need in needed} - {plain(name) for name in pins} == set()
    assert not any("nvidia" in name or name.startswith("triton") for name in pins)


def test_ci_calls_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "exec make test"


def test_make_names_every_target():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    done = subprocess.run([make, "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("make ")}
    assert targets >= {"demo", "test", "lint", "app", "bench", "clean", "help"}
