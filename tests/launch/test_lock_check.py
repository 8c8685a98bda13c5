from __future__ import annotations

from pathlib import Path

import pytest

from launch.checks.locks import disagreements, problems

HASH = "    --hash=sha256:" + "a" * 64
GOOD = f"django==5.2.19 \\\n{HASH}\n    # via -r requirements.in\n"


@pytest.fixture
def wishes(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.in"
    path.write_text("# what we need\nDjango>=5.2.19,<5.3\n")
    return path


def test_problems_finds_none_in_a_good_lock(wishes: Path) -> None:
    wishes.with_suffix(".txt").write_text(GOOD)
    assert problems(wishes) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://mirror.example/simple",
        "--extra-index-url file:///srv/simple",
        "--find-links /srv/wheels",
        "-i mirror",
        "thing @ https://mirror.example/thing.whl",
    ],
)
def test_problems_names_a_place_to_download_from(wishes: Path, line: str) -> None:
    wishes.with_suffix(".txt").write_text(f"{line}\n{GOOD}")
    assert problems(wishes) == [f"requirements.txt:1 names a place to download from: {line}"]


def test_problems_names_what_is_missing_outdated_or_without_hash(wishes: Path) -> None:
    wishes.write_text("Django>=5.2.19,<5.3\npolib\nwhitenoise\n")
    wishes.with_suffix(".txt").write_text(f"django==5.1.0 \\\n{HASH}\npolib==1.2.0\n")
    assert problems(wishes) == [
        "requirements.txt: polib has no hash.",
        "requirements.txt has Django 5.1.0, requirements.in wants <5.3,>=5.2.19: run `make lock`.",
        "requirements.txt lacks whitenoise: run `make lock`.",
    ]


def test_problems_follows_the_list_a_list_is_built_on(wishes: Path) -> None:
    more = wishes.with_name("requirements-dev.in")
    more.write_text("-r requirements.in\n")
    more.with_suffix(".txt").write_text("# empty\n")
    assert problems(more) == ["requirements-dev.txt lacks Django<5.3,>=5.2.19: run `make lock`."]


def test_disagreements_names_both_versions(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text(GOOD)
    second.write_text(GOOD.replace("5.2.19", "5.2.20"))
    assert disagreements([first, second]) == ["b.txt pins django 5.2.20, a.txt pins 5.2.19: run `make lock`."]
