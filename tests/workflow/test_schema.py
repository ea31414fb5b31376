"""The key sets of evidence files, held against the files that commands really write."""

import json

import jsonschema
import pytest

from mhx.cli import main
from mhx.workflow.schema import KEYS, names, schema_of

PLAN = (
    *("--nx", "16", "--ny", "16", "--min-production-resolution", "16", "--dt", "0.05"),
    *("--t-end", "2.0", "--target-saved-frames", "10", "--seconds-per-step-estimate", "0.001"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Every JSON file of a small campaign and of a FAST run, by path."""
    root = tmp_path_factory.mktemp("evidence")
    run, fast = str(root / "run"), str(root / "fast")
    main(["campaign", "rutherford-plan-production", "--outdir", run, *PLAN])
    main(["campaign", "rutherford-resume-plan", run])
    main(["campaign", "rutherford-execute", run])
    main(["campaign", "rutherford-promotion-check", run])
    main(["campaign", "rutherford-run-fast", "--outdir", fast, "--nx", "8", "--ny", "8"])
    return {path: json.loads(path.read_text()) for path in sorted(root.rglob("[!.]*.json"))}


@pytest.mark.slow
def test_every_written_file_has_the_keys_of_its_schema(files):
    met = set()
    for path, document in files.items():
        assert document["schema"] in names(), path
        if path.name != "initial_state.json":  # bound, and no checkpoint yet
            jsonschema.validate(document, schema_of(document["schema"]))
        met.add(document["schema"])
    expected = {name for name in KEYS if name.startswith(("mhx.campaign.", "mhx.manifest"))}
    assert expected <= met
