"""A run opens its data once; its notebooks get the same store, and only for that source."""

import pytest

from crmlib.intake import open_data
from crmlib.intake.handed import VARIABLE, Handed, handed_over, public_name


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "shop"
    folder.mkdir()
    rows = [f"c{n % 4},2026-01-{1 + n % 28:02d},{n}.5" for n in range(40)]
    (folder / "orders.csv").write_text("\n".join(["customer_id,ordered_at,net_amount", *rows, ""]))
    return folder


def hand(data, shop, monkeypatch, source="shop"):
    for name, value in Handed(source, str(shop), None, str(data.store)).environment().items():
        monkeypatch.setenv(name, value)


def test_the_store_is_taken_as_it_was_handed_over(shop, monkeypatch):
    data = open_data(shop)
    hand(data, shop, monkeypatch)
    (shop / "orders.csv").write_text("customer_id,ordered_at,net_amount\nc9,2026-02-01,1\n")  # meanwhile
    again = open_data("shop", "2026-01-20")
    assert (again.hash, again.name, again.store) == (data.hash, data.name, data.store)
    assert again.as_of.isoformat() == "2026-01-20"


def test_any_other_source_is_opened_as_ever(shop, monkeypatch):
    hand(open_data(shop), shop, monkeypatch, source="run.toml")
    assert handed_over("shop") is None
    assert handed_over("run.toml").place == str(shop)
    assert open_data(shop).name == "shop"


def test_a_store_that_is_gone_is_prepared_again(shop, monkeypatch):
    data = open_data(shop)
    hand(data, shop, monkeypatch)
    data.connection.disconnect()
    data.store.unlink()
    assert open_data("shop").hash == data.hash


@pytest.mark.parametrize(
    "source",
    ["mysql://u:secret@h/d", "postgresql://secret@h:5432/d?password=secret", "/secret/shop", "bundled"],
)
def test_the_public_name_gives_nothing_away(source):
    assert "secret" not in public_name(source)
    assert public_name(source)
