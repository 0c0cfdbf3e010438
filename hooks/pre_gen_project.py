"""Refuse answers that cannot become a service, before a file is written.

The rules are in local_extensions.py, which cookiecutter applies as soon as the last question is
answered. This hook is for answers that come by another way: some of them only, or a replay file
that somebody wrote and that names no `_extensions`.
"""

import json
import sys

UNCHECKED = """
The template cannot check these answers without its own `_extensions`. A file of answers that leaves
that name out gets it by itself.

Nothing was written."""

# In brackets: the quotes of a text itself would close the literal.
(REFUSAL,) = json.loads(
    r"""[{{ cookiecutter | refusal | tojson if 'refusal' is filter else 'null' }}]"""
)

if REFUSAL is None:
    REFUSAL = UNCHECKED
if REFUSAL:
    # cookiecutter prints its own traceback below; the line keeps the two apart.
    sys.exit(f"{REFUSAL}\n{'=' * 80}")
