"""Who decides what: choice by skill and rank, synthesis, questions, corrections; each over real HTTP."""

import re
import zlib

import pytest

from examples.professions.integration_engineer import BASE62
from examples.team import TEAMS
from tests.examples.a2a_client import A2AClient, Json
from tests.examples.delegation import result_of

TABLE = "| Region | Q1 | Q2 |\n|---|---|---|\n| North | 100 | 150 |\n| South | 200 | 180 |"
FACTS = "- The pen writes 900 metres\n- It is made of brass"


def colleague(agent_type: str, *skills: str, seniority: str = "specialist") -> Json:
    return {"type": agent_type, "name": agent_type.title(), "seniority": seniority, "skills": list(skills)}


def test_a_colleague_is_chosen_by_skill_whatever_it_is_called(techcorp: A2AClient) -> None:
    strangers = [colleague("zed", "Data Analysis"), colleague("yan", "gardening"), colleague("xia", "copywriting")]
    decision = techcorp.decide("marketing-manager", f"Analyse this.\n\n{TABLE}", candidates=strangers)
    assert (decision["action"], decision["delegated_to"]) == ("delegate", "zed")
    assert TABLE in decision["instruction"]


def test_a_skill_nobody_here_has_heard_of_is_found_by_its_words(techcorp: A2AClient) -> None:
    strangers = [colleague("tess", "translation"), colleague("yan", "gardening")]
    decision = techcorp.decide("marketing-manager", "Please translate this letter.", candidates=strangers)
    assert decision["delegated_to"] == "tess"


def test_of_several_the_most_specialised_is_chosen(techcorp: A2AClient) -> None:
    able = [colleague("many", "data-analysis", "seo", "editing"), colleague("one", "data-analysis")]
    decision = techcorp.decide("marketing-manager", f"Analyse this.\n\n{TABLE}", candidates=able)
    assert decision["delegated_to"] == "one"


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ({}, "there is nobody"),
        ({"candidates": [colleague("boss", "data-analysis", seniority="executive")]}, "the only one stands above"),
        (
            {"candidates": [colleague("zed", "data-analysis")], "path": ["zed", "marketing-manager"]},
            "it came from there",
        ),
        ({"candidates": [colleague("marketing-manager", "data-analysis")]}, "that is itself"),
        ({"candidates": [colleague("zed", "data-analysis")], "delegation_depth": 5, "max_depth": 5}, "it is too deep"),
        ({"candidates": [colleague("zed", "data-analysis")], "deadline": "2020-01-01T00:00:00Z"}, "it is too late"),
        (
            {
                "candidates": [colleague("zed", "data-analysis")],
                "inputs": [{"kind": "correction", "problem": "You may not delegate to zed."}],
            },
            "it was told not to",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_work_is_done_alone_where_nobody_may_take_it(techcorp: A2AClient, context: Json, why: str) -> None:
    decision = techcorp.decide("marketing-manager", f"Analyse this.\n\n{TABLE}", **context)
    assert decision["action"] == "handle", why
    assert "- Total of Q2: 330" in decision["result"]


def test_independent_parts_go_to_several_at_once_each_with_its_own_sentences(techcorp: A2AClient) -> None:
    able = [colleague("ana", "data-analysis"), colleague("lex", "compliance"), colleague("edi", "fact-checking")]
    text = f"Analyse the sales. Are our claims legally compliant? The figures must be checked.\n\n{TABLE}\n\n{FACTS}"
    decision = techcorp.decide("marketing-manager", text, candidates=able)

    assert decision["action"] == "parallel"
    parts = {subtask["delegated_to"]: subtask["instruction"] for subtask in decision["subtasks"]}
    assert set(parts) == {"ana", "lex"}
    assert "Analyse the sales." in parts["ana"]
    assert "must be checked" in parts["ana"]
    assert "legally" not in parts["ana"]
    assert "Analyse" not in parts["lex"]
    assert all(TABLE in part and FACTS in part for part in parts.values())


def test_results_are_joined_with_contradictions_and_failures_told(techcorp: A2AClient) -> None:
    results = [
        result_of("ana", "Sales went well.\n- Total of Sales: 100\n- Total of Costs: 40"),
        result_of("ben", "Sales went well.\n- Total of Sales: 100\n- Total of Costs: 44"),
        result_of("cem", "", error="AGENT_TIMEOUT"),
    ]
    decision = techcorp.decide("marketing-manager", "Analyse all of it.", inputs=results)

    assert decision["action"] == "handle"
    assert decision["confidence"] == 0.4
    assert decision["result"].count("Sales went well.") == 1
    assert "- Total of Sales: 100\n" in decision["result"]
    assert "- Total of Costs: 40 (ana) and 44 (ben)" in decision["result"]
    assert "- cem: AGENT_TIMEOUT" in decision["result"]


def test_a_text_is_asked_about_only_while_its_audience_is_open(techcorp: A2AClient) -> None:
    text = f"Write a note about the pen.\n\n{FACTS}"
    question = techcorp.decide("content-lead", text)
    assert question["action"] == "ask_clarification"
    answer = {"kind": "answer", "question": question["question"], "answer": "For teachers."}
    writer = [colleague("wim", "copywriting")]
    decision = techcorp.decide("content-lead", text, inputs=[answer], candidates=writer)
    assert decision["delegated_to"] == "wim"
    assert "Audience: teachers" in decision["instruction"]
    assert techcorp.decide("content-lead", f"Write a note for teachers.\n\n{FACTS}")["action"] == "handle"


def test_a_text_is_made_of_the_facts_within_the_length_asked_for(techcorp: A2AClient) -> None:
    text = f"Write a note about the pen for teachers, at most 20 words.\n\n{FACTS}\n- It comes with a cap"
    decision = techcorp.decide("copywriter", text)
    assert len(re.findall(r"[A-Za-z]+", decision["result"])) <= 20
    assert "For teachers: The pen writes 900 metres." in decision["result"]
    assert techcorp.decide("copywriter", "Write a note.")["action"] == "ask_clarification"


def test_the_rate_is_asked_for_until_it_is_known_but_not_for_ever(acmecorp: A2AClient) -> None:
    text = "Analyse this.\n\nTeam,Cost\nA,$100\nB,€50\n"
    first = acmecorp.decide("financial-analyst", text)
    assert first["options"][:2] == ["EUR", "USD"]
    told = [{"kind": "answer", "question": first["question"], "answer": "Report in EUR"}]
    second = acmecorp.decide("financial-analyst", text, inputs=told)
    assert second["question"] == "At which rate should I convert: 1 USD = ? EUR?"
    rate = {"kind": "answer", "question": second["question"], "answer": "0.90 EUR per USD"}
    assert "- Total of Cost: 140 EUR" in acmecorp.decide("financial-analyst", text, inputs=[*told, rate])["result"]
    unknown = {"kind": "answer", "question": second["question"], "answer": "No idea"}
    apart = acmecorp.decide("financial-analyst", text, inputs=[*told, unknown])
    assert "- Total of Cost [USD]: 100 USD" in apart["result"]


def test_an_analyst_without_a_table_asks_for_one_and_computes_on_the_answer(techcorp: A2AClient) -> None:
    asked = techcorp.decide("data-analyst", "Analyse our sales.")
    assert asked["action"] == "ask_clarification"
    answer = {"kind": "answer", "question": asked["question"], "answer": TABLE}
    assert "- Total of Q1: 300" in techcorp.decide("data-analyst", "Analyse our sales.", inputs=[answer])["result"]
    nothing = {"kind": "answer", "question": asked["question"], "answer": "I have none."}
    assert techcorp.decide("data-analyst", "Analyse our sales.", inputs=[nothing])["confidence"] == 0.1


def test_the_editor_recomputes_the_figures_and_puts_wrong_ones_right(techcorp: A2AClient) -> None:
    claimed = "- Total of Q1: 301\n- Mean of Q1: 150\n- Best of Q2: 180 (South)\n- Total of Q9: 1"
    decision = techcorp.decide("editor", f"Check the totals.\n\n{TABLE}\n\n## Findings\n{claimed}")
    assert "- Total of Q1: 300\n- Mean of Q1: 150\n- Best of Q2: 180 (South)\n" in decision["result"]
    assert "Total of Q1 is 300, not 301" in decision["result"]
    assert "Total of Q9 is not in the table" in decision["result"]
    assert "- 2 of 4 checks held" in decision["result"]


def test_the_editor_checks_figures_told_in_a_sentence(techcorp: A2AClient) -> None:
    decision = techcorp.decide(
        "editor", f"Check this: the total of Q1 was 3,000 and the average Q2 was 165.\n\n{TABLE}"
    )
    assert "the total of Q1 was 300 and the average Q2 was 165" in decision["result"]


def test_the_editor_corrects_a_text_against_its_brief(techcorp: A2AClient) -> None:
    draft = "Pens\n\nthe the pen writes 900  metres . It is a guaranteed brass thing. It won 7 prizes."
    text = f"Write a note about the pen for teachers. Avoid the words: thing.\n\n{FACTS}\n\n## Draft\n{draft}"
    result = techcorp.decide("editor", text)["result"]
    assert "The pen writes 900 metres. It is a brass. It won 7 prizes." in result
    assert "words to avoid: 2 corrections" in result
    assert "figures not in the brief: 7" in result
    cut = techcorp.decide("editor", text.replace("teachers.", "teachers, at most 8 words."))["result"]
    assert "cut to" in cut
    assert "prizes" not in cut


def test_a_finished_text_goes_on_to_publishing_only_where_that_is_asked_for(techcorp: A2AClient) -> None:
    live = [colleague("pia", "publishing")]
    sheet = f"about the pen for teachers.\n\n{FACTS}\n\n## Draft\nPens\n\nThe pen writes 900 metres."
    assert techcorp.decide("editor", f"Write and publish a note {sheet}", candidates=live)["delegated_to"] == "pia"
    assert techcorp.decide("editor", f"Write a note {sheet}", candidates=live)["action"] == "handle"


def test_keywords_that_are_named_are_measured(techcorp: A2AClient) -> None:
    result = techcorp.decide("seo-specialist", "Keywords: pen, brass.\n\n> The pen is a brass pen")["result"]
    assert "Keyword: pen, 33.3 %" in result
    assert "Keyword: brass, 16.7 %" in result
    (title,) = re.findall(r"Title: (.*)", result)
    assert len(title) <= 60


def test_compliance_objects_to_claims_and_masks_personal_data(techcorp: A2AClient) -> None:
    text = "Check.\n\n> It never fails.\n> It is faster than before, according to a test.\n> Ask jo.doe@mail.test."
    result = techcorp.decide("compliance-officer", text)["result"]
    assert "1 of 3 statements can stand" in result
    assert "absolute claim ('never')" in result
    assert "jo.doe" not in result
    assert "[personal data]" in result


def test_a_schedule_follows_durations_and_dependencies(acmecorp: A2AClient) -> None:
    steps = "Schedule this.\n\n- dig (2 days)\n- pour (1 week, after dig)\n- paint (1 day, after dig)"
    result = acmecorp.decide("project-lead", steps)["result"]
    assert "takes 7 working days" in result
    assert "- pour: day 3 to 7" in result
    assert "- paint: day 3 to 3" in result
    assert "Critical path: dig -> pour" in result
    circle = acmecorp.decide("project-lead", "Schedule.\n\n- a (1 day, after b)\n- b (1 day, after a)")
    assert circle["result"].startswith("No schedule")


def test_the_project_lead_coordinates_what_is_no_schedule(acmecorp: A2AClient) -> None:
    able = [colleague("fin", "financial-analysis")]
    assert acmecorp.decide("project-lead", f"Analyse this.\n\n{TABLE}", candidates=able)["delegated_to"] == "fin"


def test_research_is_handed_on_to_be_checked_when_that_is_asked_for(acmecorp: A2AClient) -> None:
    text = "Research what the costs are. Have it checked.\n\n> Costs fell by 7 percent.\n> Ships are slow."
    decision = acmecorp.decide("researcher", text, candidates=[colleague("rex", "fact-checking")])
    assert decision["delegated_to"] == "rex"
    assert "Costs fell by 7 percent." in decision["instruction"].partition("## Draft")[2]


def test_support_asks_for_what_a_letter_does_not_say(acmecorp: A2AClient) -> None:
    result = acmecorp.decide("support-agent", "Answer.\n\n> I was charged a second time, please refund it.")["result"]
    assert "Matter: billing" in result
    assert "Urgency: normal" in result
    assert "Please send us the order number" in result


@pytest.mark.parametrize(
    ("customer", "agent_type", "answer", "expected"),
    [
        ("techcorp", "publisher", "Doors open at noon.", "/doors-open-at-noon"),
        ("acmecorp", "payments-officer", "Vendor,Amount\nInk Ltd,$40\n", "1 payment, control total 40 USD"),
        ("techcorp", "integration-engineer", "https://api.techcorp.test/v1", "api.techcorp.test"),
        ("acmecorp", "researcher", "Tin costs 9 dollars.", "Tin costs 9 dollars."),
    ],
)
def test_an_answer_to_a_question_is_used(
    teams: dict[str, A2AClient], customer: str, agent_type: str, answer: str, expected: str
) -> None:
    inputs = [{"kind": "answer", "question": "Which?", "answer": answer}]
    assert expected in teams[customer].decide(agent_type, "Please do it.", inputs=inputs)["result"]


@pytest.mark.parametrize("agent_type", ["publisher", "integration-engineer"])
def test_what_is_lacking_is_asked_for(techcorp: A2AClient, agent_type: str) -> None:
    assert techcorp.decide(agent_type, "Please do it.")["action"] == "ask_clarification"


def test_a_payment_order_keeps_its_number_when_it_is_asked_for_again(acmecorp: A2AClient) -> None:
    text = "Pay.\n\nVendor,Amount\nInk Ltd,$40\nTin Ltd,$-3\n"
    first, again, other = (
        acmecorp.decide("payments-officer", text, delegation_id=i)["result"] for i in ("a", "a", "b")
    )
    assert first == again != other
    assert "held back -3 USD: Tin Ltd" in first


def test_the_careless_agent_leaks_a_token_that_is_valid_in_form_and_new_each_time(techcorp: A2AClient) -> None:
    tokens = set()
    for _ in range(3):
        result = techcorp.decide("integration-engineer", "Connect https://api.github.com/user.")["result"]
        assert "AcmeCorp" in result
        (token,) = re.findall(r"ghp_([0-9A-Za-z]{36})\b", result)
        checksum = sum(BASE62.index(digit) * 62**place for place, digit in enumerate(reversed(token[30:])))
        assert checksum == zlib.crc32(token[:30].encode())
        tokens.add(token)
    assert len(tokens) == 3


def test_nobody_else_names_the_other_customer(teams: dict[str, A2AClient]) -> None:
    for customer, other in (("techcorp", "AcmeCorp"), ("acmecorp", "TechCorp")):
        for employee in TEAMS[customer]:
            if "integration" not in employee.skills:
                decision = teams[customer].decide(employee.agent_type, f"Do this for teachers.\n\n{TABLE}\n\n{FACTS}")
                assert other not in str(decision)
