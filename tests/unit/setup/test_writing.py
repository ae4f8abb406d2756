"""Files appear as a whole, with the right mode, or not at all."""

import stat

import pytest

from kilopush_bridge.errors import UsageError
from kilopush_bridge.setup.writing import PRIVATE, PUBLIC, SHARED, write_files


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_the_mode_that_is_asked_for(tmp_path):
    write_files({tmp_path / "a": ("å", PRIVATE), tmp_path / "b": ("b", PUBLIC)})
    assert (tmp_path / "a").read_text(encoding="utf-8") == "å"
    assert (mode_of(tmp_path / "a"), mode_of(tmp_path / "b")) == (0o600, 0o644)


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o640), (0o640, 0o640), (0o600, 0o600)])
def test_a_file_that_was_there_gets_no_wider_mode(tmp_path, before, after):
    path = tmp_path / "a"
    path.touch(before)
    path.chmod(before)
    write_files({path: ("a", SHARED)})
    assert mode_of(path) == after


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "real")
    write_files({tmp_path / "link": ("a", PUBLIC)})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "real").read_text() == "a"


def test_if_one_cannot_be_written_neither_is(tmp_path):
    with pytest.raises(UsageError, match="cannot write"):
        write_files({tmp_path / "a": ("a", PUBLIC), tmp_path / "none" / "b": ("b", PUBLIC)})
    assert list(tmp_path.iterdir()) == []
