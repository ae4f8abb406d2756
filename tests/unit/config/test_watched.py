"""Which changes of which files are noticed."""

import pytest

from kilopush_bridge.config import fingerprint


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    (tmp_path / "token").write_text("1")
    (tmp_path / "secrets.yaml").write_text("mine: 1\n")
    path.write_text(f"a: ${{file:{tmp_path}/token}}\nb: !secret mine\nc: ${{file:/no/such/file}}\n")
    return path


@pytest.mark.parametrize("name", ["config.yaml", "secrets.yaml", "token"])
def test_a_change_of_each_file_is_noticed(config, name):
    path, before = config.with_name(name), fingerprint(config)
    assert fingerprint(config) == before
    path.write_text(path.read_text() + " ")
    changed = fingerprint(config)
    path.unlink()
    assert len({before, changed, fingerprint(config)}) == 3


def test_a_file_of_the_same_content_is_no_change(config):
    before = fingerprint(config)
    config.write_text(config.read_text())
    assert fingerprint(config) == before


def test_other_files_do_not_matter(config):
    before = fingerprint(config)
    (config.parent / "other.yaml").write_text("x")
    assert fingerprint(config) == before


def test_what_cannot_be_read_has_a_fingerprint_too(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\xff\x00 ${file:\x00} ${file:" + b"x" * 9999 + b"}")
    assert fingerprint(tmp_path / "config.yaml") != fingerprint(tmp_path / "none.yaml")
    assert fingerprint(tmp_path)
