"""The restriction list's part of config/routing.yaml."""

import pytest

from service.config import load_config
from service.errors import ConfigError
from tests.unit.service.test_config_routing import HOTLINE, R, write  # noqa: F401 - a fixture

THIRD = "third: {priority: 7}\n"


def test_without_a_word_the_rules_are_the_usual_ones(write):  # noqa: F811
    rules = load_config(write(), ["default"]).book().restrictions
    assert (rules.default_days, rules.longest_days, rules.review_days, rules.area_code) == (7, 30, 2, "")


def test_numbers_without_an_area_code_are_the_home_centres(write):  # noqa: F811
    at_home = {"hotline.yaml": HOTLINE.replace('code: "330000"', 'code: "330300"', 1)}
    rules = load_config(write(**at_home), ["default"]).book().restrictions
    assert rules.normal("88001234") == rules.normal("+8657788001234") == "057788001234"
    changed = write(R, THIRD, THIRD + 'restrictions: {longest_days: 60, area_code: "0571"}\n', **at_home)
    rules = load_config(changed, ["default"]).book().restrictions
    assert rules.normal("88001234") == "057188001234" and rules.longest_days == 60


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("{longest_days: 400}", "less than or equal to 366"), ("{default_days: 0}", "greater than 0"),
        ("{default_days: 40}", "longest_days between it"), ("{area_code: 571}", "restrictions.area_code"),
        ("{for_ever: true}", "restrictions.for_ever"), ("{keep_days: .nan}", "restrictions.keep_days"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_line(write, wrong, reason):  # noqa: F811
    with pytest.raises(ConfigError) as caught:
        load_config(write(R, THIRD, f"{THIRD}restrictions: {wrong}\n"), ["default"])
    assert reason in str(caught.value) and "routing.yaml:" in str(caught.value)
