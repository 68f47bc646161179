"""Roles and scope of diagnosis groups from an article's paragraphs."""

from __future__ import annotations

import pytest

from detect_icd.necessity.importing.article import ArticleGroups, plain, read_article


def article(codes, covered=None, noncovered=None, said=None, covered_said=None, noncovered_said=None):
    """`covered` and `noncovered`: group -> codes."""
    lists = {"covered": covered or {}, "noncovered": noncovered or {}}
    return read_article(
        ArticleGroups(
            codes=codes,
            code_paragraphs=said or {},
            covered=sorted(lists["covered"]),
            covered_paragraphs=covered_said or {},
            asterisks={},
            noncovered=sorted(lists["noncovered"]),
            noncovered_paragraphs=noncovered_said or {},
            has=lambda table, group, code: code in lists[table].get(group, ()),
        )
    )


def told(rules):
    return [(r.statement, r.role, r.procedures, r.resolved) for r in rules]


def test_one_group_holds_for_all_codes():
    assert told(article({1: ["11111", "22222"]}, {1: ["A00.0"]})) == [("SUPPORTS", "ANY", ("11111", "22222"), True)]


def test_two_groups_whose_paragraphs_name_codes():
    said = {1: "These support CPT code 11111", 2: "These support CPT code 22222"}
    rules = article({1: ["11111", "22222"]}, {1: ["A00.0"], 2: ["B00.0"]}, covered_said=said)
    assert told(rules) == [("SUPPORTS", "ANY", ("11111",), True), ("SUPPORTS", "ANY", ("22222",), True)]


def test_a_group_that_names_a_code_group():
    said = {1: "These diagnoses support all Group 2 CPT codes."}
    rules = article({1: ["11111"], 2: ["22222"]}, {1: ["A00.0"]}, covered_said=said)
    assert told(rules) == [("SUPPORTS", "ANY", ("22222",), True), ("NO_LIST", "ANY", ("11111",), True)]


def test_equal_numbers_alone_do_not_pair():
    rules = article({1: ["11111"], 2: ["22222"]}, {1: ["A00.0"], 2: ["B00.0"]})
    assert [r.resolved for r in rules] == [False, False]
    assert all(r.procedures == ("11111", "22222") for r in rules)


def test_a_range_of_codes():
    said = {1: "For CPT codes 11111-11113 the following support."}
    rules = article({1: ["11111", "11112", "11115"]}, {1: ["A00.0"]}, covered_said=said)
    assert rules[0].procedures == ("11111", "11112")


def test_primary_and_secondary():
    said = {1: "Report a primary diagnosis from Group 1 Codes and a secondary diagnosis from Group 2 Codes."}
    rules = article({1: ["11111"]}, {1: ["A00.0"], 2: ["B00.0"]}, covered_said=said)
    assert [(r.role, r.groups) for r in rules] == [("PRIMARY", (("covered", 1),)), ("SECONDARY", (("covered", 2),))]


def test_one_code_on_each_claim_beside_another():
    said = {1: "ICD-10-CM code B35.1 must appear on each claim in addition to one of the others."}
    rules = article({1: ["11111"]}, {1: ["B35.1", "A00.0"]}, covered_said=said)
    assert [(r.role, r.more, r.less) for r in rules] == [("ON_CLAIM", ("B35.1",), ()), ("COMPANION", (), ("B35.1",))]


def test_a_secondary_group_that_is_not_explained_stays_unresolved():
    rules = article({1: ["11111"]}, {1: ["A00.0"], 2: ["B00.0"]}, covered_said={2: "Secondary diagnosis codes:"})
    assert [r.resolved for r in rules] == [False, False]


def test_non_covered_codes():
    rules = article({1: ["11111"], 2: ["22222"]}, {1: ["A00.0"]}, said={2: "These codes are non-covered."})
    assert told(rules) == [("NON_COVERED", "ANY", ("22222",), True), ("SUPPORTS", "ANY", ("11111",), True)]


def test_non_covered_under_a_condition_is_not_resolved():
    rules = article({1: ["11111"]}, said={1: "Code 11111 is not covered when done at home."})
    assert told(rules) == [("UNRESOLVED", "ANY", ("11111",), False)]


def test_a_code_without_limits():
    rules = article(
        {1: ["11111", "22222"]}, {1: ["A00.0"]}, said={1: "Code 22222 will not have diagnosis code limitations."}
    )
    assert told(rules) == [("NO_LIMIT", "ANY", ("22222",), True), ("SUPPORTS", "ANY", ("11111",), True)]


def test_an_exclusion_beside_another_code_with_codes_of_the_text():
    said = {1: "These deny when billing 11111 WITH 33333, 44444 and/or 55555 (including G57.91, G59 and M79.2)."}
    [rule] = [
        r
        for r in article({1: ["11111", "22222"]}, {1: ["A00.0"]}, {1: ["G60.9"]}, noncovered_said=said)
        if r.statement == "EXCLUDES"
    ]
    assert (rule.procedures, rule.only_with, rule.more) == (
        ("11111",),
        ("33333", "44444", "55555"),
        ("G57.91", "G59", "M79.2"),
    )


def test_a_sentence_that_is_cut_off_names_codes_in_part_only():
    rules = article({1: ["11111", "22222"]}, {1: ["A00.0"]}, covered_said={1: "These support. For codes 11111 and 22…"})
    assert rules[0].procedures == ("11111", "22222")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&amp;lt;p&amp;gt;It&amp;rsquo;s  covered&amp;lt;/p&amp;gt;", "It\u2019s covered"),
        ("<p>N/A</p>", ""),
        ("", ""),
        ("A &lt; B &amp;amp; C", "A < B & C"),
    ],
)
def test_paragraphs_lose_both_levels_of_escapes(written, read):
    assert plain(written) == read
