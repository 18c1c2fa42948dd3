"""A real photo in place of random bytes: else every upload would only be refused as no photo."""

from pathlib import Path

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("binary", st.just(Path("test_000.jpg").read_bytes()))
