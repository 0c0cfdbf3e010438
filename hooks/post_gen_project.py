"""Say what to do next. Which files a service gets is decided before one is written."""

import json
import shutil

# In brackets: the quotes of a text itself would close the literal.
(SLUG,) = json.loads(r"""[{{ cookiecutter.project_slug | tojson }}]""")

print(f"\nYour service is in {SLUG}. Next:\n")
print(f"  cd {SLUG}")
print(f"  uv run {SLUG}")
print("\nIts tests: uv run pytest")
if not shutil.which("uv"):
    print("uv is not installed yet: pip install uv")
