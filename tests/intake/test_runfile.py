"""Run files: everything they know is checked, everything they do not know is refused."""

import pytest

from crmlib.errors import ParameterError
from crmlib.intake import load_run_file, open_data


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "run.toml"
        path.write_text(text)
        return load_run_file(path)

    return load


def test_a_full_run_file_is_read(load):
    run = load("""
        name = "Casa"
        source = "data"
        currency = "CHF"
        gross_margin = 0.4
        horizon_months = 24
        annual_discount_rate = 0.08
        decimal = ","
        [tables.orders]
        file = "sales.csv"
        delimiter = ";"
        columns = { customer_id = "Kunde", net_amount = ["Menge", "Preis"] }
        [parameters]
        as_of = "2026-06-30"
        seed = 7
        [notebooks.02_profitability]
        seed = 8
        minimum_order = 15.0
    """)
    assert (run.name, run.currency, run.gross_margin, run.horizon_months) == ("Casa", "CHF", 0.4, 24)
    orders = run.tables["orders"]
    assert orders.columns["net_amount"] == ["Menge", "Preis"]
    assert (orders.text_format(run).delimiter, orders.text_format(run).decimal) == (";", ",")
    assert run.notebook_parameters("02_profitability") == {
        "as_of": "2026-06-30",
        "seed": 8,
        "minimum_order": 15.0,
    }
    assert run.notebook_parameters("03_churn") == {"as_of": "2026-06-30", "seed": 7}


def test_an_empty_run_file_has_the_defaults(load):
    run = load("")
    assert (run.currency, run.gross_margin, run.horizon_months, run.annual_discount_rate) == (
        "EUR",
        None,
        36,
        0.1,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('currancy = "EUR"', ["currancy", "did you mean currency?"]),
        ("[tables.order]", ["tables.order", "did you mean orders?"]),
        ('[tables.orders]\ncolums = { a = "b" }', ["tables.orders.colums", "did you mean columns?"]),
        ('[tables.orders.columns]\ncustomer = "x"', ["columns.customer", "did you mean customer_id?"]),
        ('currency = "euro"', ["currency", "'euro'", "three capital letters"]),
        ("gross_margin = 40", ["gross_margin", "40", "less than or equal to 1"]),
        ("gross_margin = true", ["gross_margin", "True"]),
        ('gross_margin = "0.4"', ["gross_margin", "'0.4'"]),
        ("horizon_months = 0", ["horizon_months", "greater than or equal to 1"]),
        ("annual_discount_rate = -0.1", ["annual_discount_rate"]),
        ('decimal = ";"', ["decimal"]),
        ('delimiter = "ab"', ["delimiter", "one character"]),
        ('encoding = "klingon"', ["encoding", "klingon"]),
        ('date_format = "DD/MM"', ["date_format", "day first"]),
        ("name = ", ["not valid TOML"]),
        ("[tables.orders]\nskip_rows = -1", ["skip_rows"]),
        ("[tables.orders.columns]\nnet_amount = 3", ["net_amount"]),
        ('[tables]\norders = "x.csv"', ["tables.orders", "a line [tables.orders]"]),
        ("notebooks = 3", ["notebooks", "a line [notebooks]"]),
    ],
)
def test_what_is_wrong_in_a_run_file_is_named_with_file_and_key(load, text, words):
    with pytest.raises(ParameterError) as error:
        load(text)
    assert error.value.exit_code == 2
    for word in ["run.toml", *words]:
        assert word in str(error.value)


def test_a_run_file_may_begin_with_the_mark_that_windows_editors_write(tmp_path):
    (tmp_path / "run.toml").write_text('name = "Caffè"\n', encoding="utf-8-sig")
    assert load_run_file(tmp_path / "run.toml").name == "Caffè"


def test_a_run_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ParameterError, match="no run file"):
        load_run_file(tmp_path / "nowhere.toml")


def test_paths_start_at_the_run_file_and_a_source_given_comes_first(company, lines, total):
    company.orders(lines)
    (company.folder / "config").mkdir()
    run = company.write("config/run.toml", 'name = "Shop"\nsource = ".."\n')
    assert open_data(run, cache=company.cache).report.ledger.total_net == total(lines)
    company.write("config/run.toml", 'name = "Shop"\nsource = "nowhere"\n')
    data = open_data(company.folder, run_file=run, cache=company.cache)
    assert (data.name, data.report.ledger.total_net) == ("Shop", total(lines))


def test_a_run_file_without_source_says_how_to_give_one(company):
    with pytest.raises(ParameterError, match="--map"):
        open_data(company.run_file('name = "Shop"'), cache=company.cache)


def test_a_file_named_in_the_run_file_is_taken(company, lines, total):
    company.write("sales 2024.csv", lines, "Who,When,Paid")
    found = company.check("""
        [tables.orders]
        file = "sales 2024.csv"
        columns = { customer_id = "Who", ordered_at = "When", net_amount = "Paid" }
    """)
    assert found.ledger.total_net == total(lines)
    with pytest.raises(ParameterError, match=r"did you mean sales 2024\.csv"):
        company.check('[tables.orders]\nfile = "sales2024.csv"')


def test_a_date_format_needs_words_that_mean_something(load):
    assert load('date_format = "day first"').date_format == "day first"
    with pytest.raises(ParameterError, match="date_format"):
        load('date_format = "year first"')
