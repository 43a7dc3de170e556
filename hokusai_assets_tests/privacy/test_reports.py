"""Tests of the report's form."""

import json

from hokusai_assets.privacy.reports import ColumnReport, PrivacyReport


def test_a_report_is_json_of_names_and_counts_in_a_fixed_order() -> None:
    report = PrivacyReport(
        rows_hashed=2,
        columns=(ColumnReport("a", "EMAIL", 2, 666_666, "spans"),),
        waived=("b",),
        dropped=("c", "d"),
    )
    assert json.dumps(report.to_dict()) == (
        '{"rows_hashed": 2, "columns": [{"column": "a", "entity": "EMAIL", "cells": 2, '
        '"share_ppm": 666666, "how": "spans"}], "waived": ["b"], "dropped": ["c", "d"]}'
    )
