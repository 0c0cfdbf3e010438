"""The combinations of answers that the tests look at."""

import itertools
import json
from pathlib import Path

Answers = dict[str, str]

QUESTIONNAIRE = json.loads(
    (Path(__file__).parent.parent / "cookiecutter.json").read_text(encoding="utf-8")
)
CHOICES: dict[str, list[str]] = {
    question: choices
    for question, choices in QUESTIONNAIRE.items()
    if isinstance(choices, list) and not question.startswith("_")
}
# What wraps a line, or does not, depends on the name.
NAMES = ("a", "service-4-you2", "x23456789-" * 5 + "x234567890")

# Every choice at least once, by as few services as can be.
COVERING: list[Answers] = [
    {},
    {
        "async_mode": "gevent",
        "class_views": "flask-classy",
        "license": "Apache-2.0",
        "project_slug": NAMES[2],
    },
    {
        "async_mode": "threading",
        "license": "BSD-3-Clause",
        "starter": "minimal",
        "project_slug": NAMES[0],
    },
    {
        "class_views": "flask-classy",
        "license": "Proprietary",
        "starter": "minimal",
        "project_slug": NAMES[1],
    },
]
# What decides over the code of a service, and so over what its interpreter makes of it.
OF_CODE = [question for question in CHOICES if question != "license"]
EVERY_CODE: list[Answers] = [
    dict(zip(OF_CODE, answers, strict=True))
    for answers in itertools.product(*(CHOICES[question] for question in OF_CODE))
]
# All that a check of a service can tell apart; the licence is not among it, as a test shows.
EVERY: list[Answers] = [
    {**answers, "project_slug": name} for answers in EVERY_CODE for name in NAMES
]


def named(answers: Answers) -> str:
    """Return the id of a test that looks at a combination."""
    return ",".join(value if len(value) < 20 else "long" for value in answers.values()) or "default"
