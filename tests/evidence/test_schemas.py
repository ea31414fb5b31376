"""Every schema id stands once, in one table."""

import re

import pytest

from mhx.evidence import schemas

IDS = {name: value for name, value in vars(schemas).items() if name.isupper() and name != "TABLE"}


@pytest.mark.parametrize("name", IDS)
def test_an_id_has_a_version_and_a_line_in_the_table(name):
    assert re.fullmatch(r"mhx\.[a-z_.]+\.v\d+", IDS[name])
    assert schemas.TABLE[IDS[name]]


def test_no_two_names_stand_for_one_id():
    assert len(set(IDS.values())) == len(IDS) == len(schemas.TABLE)


def test_the_validation_file_has_the_id_of_its_subject():
    assert schemas.gates_of(schemas.CAMPAIGN_PLAN) == (
        "mhx.campaign.rutherford_production_plan.gates.v1"
    )
