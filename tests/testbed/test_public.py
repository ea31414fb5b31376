"""What `import mhx.testbed` offers."""

import mhx.testbed
from mhx.workflow import registry


def test_the_tables_of_the_registry_are_offered_as_they_are():
    for name in registry.VIEWS:
        assert getattr(mhx.testbed, name) == getattr(registry, name)
    assert mhx.testbed.TestbedLauncher.__name__ == "TestbedLauncher"
    assert set(mhx.testbed.__all__) <= set(dir(mhx.testbed))
