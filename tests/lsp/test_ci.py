"""Lint as CI systems take it: SARIF by its official schema, and the README's snippets run as they stand there."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import jsonschema
import pytest
import ruamel.yaml

from conftest import ROOT, server_path

CACHE = pathlib.Path(os.environ.get("LOCKKEEPER_CACHE", "~/.cache/lockkeeper-tests")).expanduser()
INIT = "CREATE TABLE users (id bigint PRIMARY KEY, mail text);\n"


def run(folder, *command, **more):
    environment = dict(os.environ, PATH=f"{server_path().parent}{os.pathsep}{os.environ['PATH']}", **more)
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "PRE_COMMIT_HOME": str(folder.parent / "pre-commit")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = run(folder, "git", *identity, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def repository(tmp_path):
    """One migration on main, as `origin/main` too; a second that hurts is in the work tree."""
    folder = tmp_path / "project"
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations" / "0001_init.sql").write_text(INIT)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    (folder / "migrations" / "0002_index.sql").write_text("CREATE INDEX i ON users (mail);\n")
    return folder


def snippet(kind):
    """A fenced block of the README: its text and what YAML makes of it."""
    text = re.search(rf"^```yaml {kind}\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S).group(1)
    return text, ruamel.yaml.YAML(typ="safe").load(text)


def fits(schema, text, folder):
    (folder / "snippet.yml").write_text(text)
    checker = pathlib.Path(sys.executable).with_name("check-jsonschema")
    done = run(folder, checker, "--builtin-schema", schema, "snippet.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_sarif_fits_its_schema(repository):
    (repository / "migrations" / "0003_é %.sql").write_text("DROP TABLE users;\nSELECT (;\n")
    [path] = CACHE.glob("sarif/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-*.json")
    schema = json.loads(path.read_text())
    checks = jsonschema.validators.validator_for(schema)
    checks.check_schema(schema)
    validator = checks(schema, format_checker=checks.FORMAT_CHECKER)
    for arguments in [["--format", "sarif"], ["--format", "sarif", "migrations/0001_init.sql"]]:
        done = run(repository, "lockkeeper", "lint", *arguments)
        log = json.loads(done.stdout)
        assert [it.message for it in validator.iter_errors(log)] == []
        [result] = log["runs"]
        rules = result["tool"]["driver"]["rules"]
        for it in result["results"]:
            assert rules[it["ruleIndex"]]["id"] == it["ruleId"]
    # The validator is not asleep.
    log = json.loads(run(repository, "lockkeeper", "lint", "--format", "sarif").stdout)
    assert {"creating-index", "dropping-table", "syntax"} <= {it["ruleId"] for it in log["runs"][0]["results"]}
    log["runs"][0]["results"][0]["level"] = "catastrophe"
    assert not validator.is_valid(log)


def test_the_github_action(repository):
    text, workflow = snippet("github")
    fits("vendor.github-workflows", text, repository.parent)
    commands = [it["run"] for job in workflow["jobs"].values() for it in job["steps"] if "run" in it]
    [lint] = [it for it in commands if it.startswith("lockkeeper ")]
    done = run(repository, "bash", "-euo", "pipefail", "-c", lint.replace("${{ github.base_ref }}", "main"))
    assert done.returncode == 1, done.stderr
    assert "::warning file=migrations/0002_index.sql,line=1," in done.stdout
    assert "0001_init" not in done.stdout


def test_the_gitlab_job(repository):
    text, pipeline = snippet("gitlab")
    fits("vendor.gitlab-ci", text, repository.parent)
    [job] = pipeline.values()
    lint = job["script"][-1]
    done = run(repository, "bash", "-c", lint, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert done.returncode == 1, done.stderr
    report = json.loads((repository / job["artifacts"]["reports"]["codequality"]).read_text())
    assert "creating-index" in [it["check_name"] for it in report]
    for it in report:
        assert it["location"]["path"] == "migrations/0002_index.sql" and it["location"]["lines"]["begin"] == 1
        assert it["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert len({it["fingerprint"] for it in report}) == len(report)


def test_the_pre_commit_hook(repository, tmp_path):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    git(hooks, "init", "-q", "-b", "main")
    git(hooks, "add", ".")
    git(hooks, "commit", "-q", "-m", "hooks")
    text, config = snippet("pre-commit")
    [repo] = config["repos"]
    git(hooks, "tag", repo["rev"])
    (repository / ".pre-commit-config.yaml").write_text(text.replace(repo["repo"], str(hooks)))
    pre_commit = pathlib.Path(sys.executable).with_name("pre-commit")
    git(repository, "add", ".")
    done = run(repository, pre_commit, "run", "--color", "never")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "migrations/0002_index.sql:1:1: warning:" in done.stdout, done.stdout
    assert "0001_init" not in done.stdout
    fixed = "SET lock_timeout = '2s';\nCREATE INDEX CONCURRENTLY i ON users (mail);\n"
    (repository / "migrations" / "0002_index.sql").write_text(fixed)
    git(repository, "add", ".")
    done = run(repository, pre_commit, "run", "--color", "never")
    assert done.returncode == 0, done.stdout + done.stderr
