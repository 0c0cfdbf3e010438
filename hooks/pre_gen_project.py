"""Refuse answers that cannot become a service, before a file is written.

The rules are in local_extensions.py, where cookiecutter applies them as soon as the last question
is answered. This hook is for answers that come without the variables that cookiecutter.json
derives from them, such as a replay file that somebody wrote.
"""

import json
import sys

# In brackets: the quotes of a text itself would close the literal.
(REFUSAL,) = json.loads(r"""[{{ cookiecutter | refusal | tojson }}]""")

if REFUSAL:
    # cookiecutter prints its own traceback below; the line keeps the two apart.
    sys.exit(f"{REFUSAL}\n{'=' * 80}")
