"""The tasks that the demo submits, with what each must come to and what the person in it answers."""

from typing import Literal, NotRequired, TypedDict


class Expected(TypedDict):
    """What a task must come to: `error` is a code of the catalogue, `depth` that of its deepest hop (the root is 0)."""

    status: Literal["completed", "failed"]
    error: str | None
    actions: list[str]
    depth: int
    result_contains: list[str]


class Answers(TypedDict):
    clarification: str | None
    approval: Literal["approve", "reject"] | None


class Sample(TypedDict):
    """One task; `agent` None leaves the choice of the first agent to the platform."""

    title: str
    customer: str
    agent: str | None
    message: str
    expected: Expected
    answers: Answers
    late: NotRequired[bool]


NOBODY_ASKED: Answers = {"clarification": None, "approval": None}

SAMPLES: list[Sample] = [
    {
        "title": "A customer's letter is sorted and answered",
        "customer": "acmecorp",
        "agent": "support-agent",
        "message": (
            "Sort this letter and draft a reply.\n\n"
            "> My parcel with order 48213 was due on 3 November and still not delivered.\n"
            "> The tracking page has shown nothing for a week. Please answer today!"
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["handle"],
            "depth": 0,
            "result_contains": ["Matter: delivery", "Urgency: high", "References: 48213"],
        },
        "answers": NOBODY_ASKED,
    },
    {
        "title": "A text goes down a chain of five",
        "customer": "techcorp",
        "agent": "marketing-manager",
        "message": (
            "Write a product description of the Aurora desk lamp for remote workers, within 60 words, "
            "that people find in search.\n\n"
            "- The light has 5 colour temperatures from 2700 K to 6500 K\n"
            "- It draws 9 W, a third of a halogen lamp\n"
            "- The arm turns through 270 degrees\n"
            "- The perfect base is cast iron and weighs 1.2 kg\n"
            "- The stand charges a phone while you work"
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["delegate", "delegate", "delegate", "delegate", "handle"],
            "depth": 4,
            "result_contains": ["Aurora desk lamp", "270 degrees", "words to avoid: 1 correction", "Keyword: "],
        },
        "answers": NOBODY_ASKED,
    },
    {
        "title": "A report is split, checked and joined",
        "customer": "techcorp",
        "agent": None,
        "message": (
            "Analyse the sales by region and have the figures checked. "
            "Tell me whether our claims are legally compliant.\n\n"
            "| Region | Q2 | Q3 |\n"
            "|---|---:|---:|\n"
            "| North | $41,200 | $48,650 |\n"
            "| South | $38,900 | $36,120 |\n"
            "| West | $52,300 | $61,075 |\n"
            "| East | $29,450 | $33,800 |\n\n"
            "- The Aurora lamp is the best on the market\n"
            "- Its housing is 80 percent recycled aluminium, according to the supplier's test report\n"
            "- It is guaranteed to improve your sleep"
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["parallel", "delegate", "handle", "handle", "handle"],
            "depth": 2,
            "result_contains": [
                "Total of Q3: 179,645 USD",
                "Best of Q3: 61,075 USD (West)",
                "Growth of all rows: 10.99 %",
                "1 of 3 statements can stand as written",
            ],
        },
        "answers": NOBODY_ASKED,
    },
    {
        "title": "A brief without an audience is asked about",
        "customer": "techcorp",
        "agent": "marketing-manager",
        "message": (
            "Write an announcement of our loyalty programme.\n\n"
            "- Every order earns 2 points per dollar\n"
            "- 500 points pay for a delivery\n"
            "- It starts on 2027-01-04"
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["delegate", "ask_clarification", "delegate", "delegate", "handle"],
            "depth": 3,
            "result_contains": ["owners of small bakeries", "500 points"],
        },
        "answers": {"clarification": "Owners of small bakeries", "approval": None},
    },
    {
        "title": "Publishing waits for a person's approval",
        "customer": "techcorp",
        "agent": "marketing-manager",
        "message": (
            "Publish this notice on 2026-12-01.\n\n"
            "> Our support desk moves to a new building.\n"
            "> On 1 December it answers from noon; on all other days as before."
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["delegate", "handle"],
            "depth": 1,
            "result_contains": ["Published on 2026-12-01 at /2026/our-support-desk-moves-to-a-new-building"],
        },
        "answers": {"clarification": None, "approval": "approve"},
    },
    {
        "title": "Amounts in two currencies are asked about, converted and checked",
        "customer": "acmecorp",
        "agent": "operations-director",
        "message": (
            "Analyse the travel costs and have the totals checked.\n\n"
            "Team,Trips,Cost\n"
            'Sales,14,"$9,800.00"\n'
            'Service,9,"€7,250.50"\n'
            'Research,4,"$3,150.00"'
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["delegate", "ask_clarification", "delegate", "handle"],
            "depth": 2,
            "result_contains": ["Total of Cost: 19,164.50 EUR", "Total of Trips: 27"],
        },
        "answers": {"clarification": "In EUR, at 1 USD = 0.92 EUR", "approval": None},
    },
    {
        "title": "Research takes its time, the schedule does not",
        "customer": "acmecorp",
        "agent": "operations-director",
        "message": (
            "Research what the sources say about battery storage costs. Make a schedule of the pilot.\n\n"
            "> Battery storage costs fell by 40 percent between 2019 and 2024.\n"
            "> The museum in the old harbour has opened a new wing.\n"
            "> Most of the fall in storage costs comes from cheaper battery cells.\n"
            "> Installation is now a third of the costs of a battery.\n\n"
            "- site survey (3 days)\n"
            "- permit (2 weeks, after site survey)\n"
            "- order batteries (5 days, after site survey)\n"
            "- installation (4 days, after permit and order batteries)"
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["parallel", "handle", "handle", "handle"],
            "depth": 1,
            "result_contains": ["The project takes 17 working days", "Battery storage costs fell by 40 percent"],
        },
        "answers": NOBODY_ASKED,
        "late": True,
    },
    {
        "title": "Invoices are paid once approved, and none of them twice",
        "customer": "acmecorp",
        "agent": "operations-director",
        "message": (
            "Pay these invoices.\n\n"
            "| Vendor | Invoice | Amount |\n"
            "|---|---|---:|\n"
            "| Lumen Supplies | L-1001 | €1,240.00 |\n"
            "| Harbour Logistics | H-77 | €860.50 |\n"
            "| Lumen Supplies | L-1001 | €1,240.00 |"
        ),
        "expected": {
            "status": "completed",
            "error": None,
            "actions": ["delegate", "handle"],
            "depth": 1,
            "result_contains": ["2 payments, control total 2,100.50 EUR", "held back 1,240 EUR: Lumen Supplies"],
        },
        "answers": {"clarification": None, "approval": "approve"},
    },
    {
        "title": "A careless answer is stopped",
        "customer": "techcorp",
        "agent": "marketing-manager",
        "message": "Connect our newsletter to the release feed at https://api.github.com/user/repos.",
        "expected": {
            "status": "failed",
            "error": "LEAKAGE_DETECTED",
            "actions": ["delegate", "handle"],
            "depth": 1,
            "result_contains": [],
        },
        "answers": NOBODY_ASKED,
    },
]
