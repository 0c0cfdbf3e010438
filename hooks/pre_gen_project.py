"""Refuse answers that cannot become a service, before a file is written.

The rules are in local_extensions.py, where cookiecutter.json applies them as soon as the last
question is answered. This hook is for the ways that ask no question, such as --replay.
"""

import json
import sys

# In brackets: the quotes of a text itself would close the literal.
(REFUSAL,) = json.loads(r"""[{{ cookiecutter | refusal | tojson }}]""")

if REFUSAL:
    # cookiecutter prints its own traceback below; the line keeps the two apart.
    sys.exit(f"{REFUSAL}\n{'=' * 80}")
