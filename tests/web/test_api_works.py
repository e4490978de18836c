"""What people do on pages, programs do by the API: each noun from its first step to its last, by two people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.described import Program, program_of
from tests.web.visitors import PASSWORD, stored_id
from vault.groups import FOUNDING
from vault.ids import RecordId
from vault.training import SHIPPED
from vault.workflows import holding, people

DUE = date(2010, 1, 2)
RULE = {
    "class": "visits",
    "title_zh": "来访",
    "title_en": "Visits",
    "nature": "house",
    "sensitivity": "general",
    "trigger": "created",
    "action": "destroy",
    "period_years": 1,
    "signing": ["Head of the archives"],
}


@pytest.fixture(scope="module")
def one(served: Served) -> Iterator[Program]:
    """The first administrator's program."""
    with served.client() as client:
        yield program_of(client)


@pytest.fixture(scope="module")
def two(served: Served) -> Iterator[Program]:
    """A second person's, of the same groups."""
    token = people.invite(served.vault, everything(), FOUNDING)
    people.accept_invitation(served.vault, token, login="li", name="李四", password=PASSWORD)
    with served.client() as client:
        yield program_of(client, "li")


@pytest.fixture(scope="module")
def visits(one: Program, two: Program) -> str:
    """A class of short life that two people put in force."""
    effects = one.ask("POST", "/schedule/effects", 200, json=RULE)
    assert (effects["before"], effects["filed"]) == (None, 0)
    proposed = one.post("/schedule/proposals", **RULE, reason="visits are kept for a year")
    assert (proposed["state"], proposed["code"]) == ("proposed", "visits")
    path = "/schedule/classes/visits"
    assert two.get(f"{path}/proposal")["effects"]["rule"]["signing"] == ["Head of the archives"]
    assert two.get(f"{path}/affected") == {"records": [], "next": None}
    assert one.post(f"{path}/approval", 403, version=1)["code"] == "not-allowed"
    assert two.post(f"{path}/approval", 409, version=2)["code"] == "conflict"
    assert two.post(f"{path}/approval", 200, version=1)["state"] == "in-force"
    return "visits"


def due(served: Served, program: Program, *titles: str) -> list[str]:
    """Records whose period is over."""
    found = [stored_id(program.client, title.encode(), title=title) for title in titles]
    for each in found:
        holding.file_record(served.vault, everything(), RecordId(each), class_code="visits", trigger_on=DUE)
    return found


def test_rules_are_listed_changed_withdrawn_and_retired(one: Program, two: Program, visits: str) -> None:
    assert visits in {each["code"] for each in one.get("/schedule")["rules"]}
    one.post("/schedule/proposals", reason="longer", **{"class": visits, "period_years": 2})
    assert one.delete(f"/schedule/classes/{visits}/proposal", 200)["state"] == "withdrawn"
    assert one.get(f"/schedule/classes/{visits}/proposal", 404)["code"] == "not-found"
    states = [each["state"] for each in one.get(f"/schedule/classes/{visits}")["versions"]]
    assert states == ["withdrawn", "in-force"]
    forever = {**RULE, "class": "treaties", "action": "keep"}
    del forever["period_years"]
    assert one.post("/schedule/proposals", reason="for ever", **forever)["period_years"] is None
    two.post("/schedule/classes/treaties/approval", 200, version=1)
    assert one.step("/schedule/classes/treaties/retirement")["state"] == "retired"
    assert one.post("/schedule/sets", 400, set="nothing", reason="a set")["field"] == "set"
    assert one.post("/schedule/effects", 400, **{"class": "other"})["field"] == "title_zh"


def test_a_matter_is_placed_by_one_and_released_by_two(one: Program, two: Program) -> None:
    record = stored_id(one.client, b"evidence", title="The letter")
    said = {"title": "Lake against Hill", "reason": "a claim", "issuer": "District court", "records": [record]}
    assert one.ask("POST", "/matters/preview", 200, json=said)["records"] == 1
    assert one.get("/matters") == {"matters": [], "next": None}
    assert one.post("/matters", 400, **{**said, "records": ["F-1"]})["field"] == "records"
    number = one.post("/matters", **said)["number"]
    path = f"/matters/{number}"
    one.post(f"{path}/scope", queries=["lake"], classes=["contract"])
    first = one.get(f"{path}/scope", limit=1)
    assert len(first["items"]) == 1
    rest = one.get(f"{path}/scope", after=first["next"])
    assert {each["kind"] for each in first["items"] + rest["items"]} >= {"record", "query", "class"}
    assert rest["next"] is None
    assert one.step(f"{path}/release/confirmation", 409)["code"] == "conflict"
    one.post(f"{path}/release", 200, reason="settled")
    assert one.delete(f"{path}/release", 200)["state"] == "in-force"
    one.post(f"{path}/release", 200, reason="settled")
    assert one.step(f"{path}/release/confirmation", 403)["code"] == "not-allowed"
    assert two.step(f"{path}/release/confirmation")["state"] == "released"
    assert two.get(path)["release_reason"] == "settled"


def test_a_list_is_proposed_reviewed_signed_executed_and_certified(
    served: Served, one: Program, two: Program, visits: str
) -> None:
    kept, gone, objected = due(served, one, "kept", "gone", "objected")
    named = one.ask("POST", "/disposal/lists/preview", 200, json={"class": visits})["records"]
    assert {each["record_id"] for each in named} == {kept, gone, objected}
    (made,) = one.post("/disposal/lists", **{"class": visits})["lists"]
    path = f"/disposal/lists/{made['number']}"
    assert made["number"] in {each["number"] for each in one.get("/disposal/lists", state="proposed")["lists"]}
    assert one.get("/disposal/lists", 400, state="other")["field"] == "state"
    pages = [one.get(f"{path}/items", limit=2)]
    pages.append(one.get(f"{path}/items", after=pages[0]["next"]))
    assert {each["record_id"] for page in pages for each in page["items"]} == {kept, gone, objected}
    one.post(f"{path}/decisions", 400, decision="extend", records=[kept])
    one.post(f"{path}/decisions", 200, decision="extend", records=[kept], reason="asked for", until="2040-01-01")
    assert one.post(f"{path}/decisions", 200, decision="destroy")["decisions"]["destroy"] == 2
    one.post(f"{path}/objections", 200, records=[objected], reason="she objects", until="2040-01-01")
    seen = one.get(path)
    assert seen["next_signature"]["part"] == "proposer"
    assert one.post(f"{path}/signatures", 409, part="proposer", change=seen["change"] - 1)["code"] == "conflict"
    signed = one.post(f"{path}/signatures", 200, part="proposer", change=seen["change"])
    assert one.post(f"{path}/signatures", 403, part="approver", change=signed["change"])["code"] == "not-allowed"
    assert two.post(f"{path}/signatures", 200, part="approver", change=signed["change"])["state"] == "approved"
    assert one.get(f"{path}/notices")["notices"] is not None
    judged = one.get(f"{path}/execution")
    assert (judged["count"], [each["record_id"] for each in judged["records"]]) == (1, [gone])
    one.post(f"{path}/execution", 409, seen="0" * 64, count=1)
    one.post(f"{path}/execution", 400, seen=judged["seen"], count=2)
    done = one.post(f"{path}/execution", seen=judged["seen"], count=1)
    assert (done["state"], done["records"]) == ("done", 1)
    batch = one.get(f"/destructions/{done['destruction']}")
    assert (batch["state"], batch["waiting"]) == ("effective", [])
    assert [each["record_id"] for each in one.get(f"/destructions/{batch['id']}/stubs")["stubs"]] == [gone]
    assert batch["id"] in {each["id"] for each in one.get("/destructions")["destructions"]}
    assert one.get("/disposal/transfers") == {"records": [], "next": None}
    assert one.step("/certificates")["code"] == "certificates-issued"
    (issued,) = one.get("/certificates")["certificates"]
    path = f"/certificates/{issued['number']}"
    assert one.get(path)["statement"]["number"] == issued["number"]
    one.get(f"{path}/document")
    assert one.get(f"{path}/print", languages="zh").content.startswith(b"%PDF-")
    assert one.get(f"{path}/print", 400, languages="fr")["field"] == "languages"


def test_a_list_of_what_was_filed_in_error_is_cancelled(one: Program) -> None:
    record = stored_id(one.client, b"wrong", title="Wrong")
    (made,) = one.post("/disposal/lists/error", records=[record], reason="scanned twice")["lists"]
    path = f"/disposal/lists/{made['id']}"
    assert one.post(f"{path}/cancellation", 200, reason="it was right")["state"] == "cancelled"
    assert one.post(f"{path}/cancellation", 409, reason="again")["code"] == "conflict"


def test_expiry_tells_that_it_is_not_paused(one: Program) -> None:
    assert one.get("/disposal/expiry")["pause"] is None
    assert one.post("/disposal/expiry/resumption", 404, pause="a" * 26)["code"] == "not-found"


def test_a_destruction_is_previewed_and_refused_where_two_could_sign(one: Program, two: Program) -> None:
    record = stored_id(one.client, b"wrong", title="Wrong")
    seen = one.ask("POST", "/destructions/preview", 200, json={"records": [record], "filed_in_error": True})
    assert (seen["count"], seen["needs_two"]) == (1, True)
    said = {"records": [record], "filed_in_error": True, "alone": True}
    one.post("/destructions", 409, **said, seen="0" * 64, count=1)
    one.post("/destructions", 403, **said, seen=seen["seen"], count=1)
    assert one.step("/destructions/holds", 404)["code"] == "not-found"


def test_paper_is_kept_in_a_box_and_looked_up_by_it(one: Program) -> None:
    record = stored_id(one.client, b"scan", title="Scan")
    assert one.get(f"/records/{record}/paper", 404)["code"] == "not-found"
    one.post(f"/records/{record}/paper", box="B/1", place="Shelf 3")
    assert one.get(f"/records/{record}/paper")["place"] == "Shelf 3"
    assert [each["record_id"] for each in one.get("/papers", box="B/1")["papers"]] == [record]
    said = {"method": "pulping", "weight_grams": 1, "vendor": "Mill", "witnesses": ["One", "Two"]}
    assert one.post(f"/records/{record}/paper/destruction", 409, **said)["code"] == "conflict"
    one.post(f"/records/{record}/paper/destruction", 400, **{**said, "witnesses": ["One"]})


def test_a_restriction_is_lifted_by_somebody_else(one: Program, two: Program) -> None:
    record = stored_id(one.client, b"disputed", title="Disputed")
    path = f"/records/{record}"
    assert one.post(f"{path}/restriction", 200, reason="disputed")["restricted"]
    assert one.post(f"{path}/restriction/lift", 403, reason="solved")["code"] == "not-allowed"
    assert not two.post(f"{path}/restriction/lift", 200, reason="solved")["restricted"]
    assert one.post(f"{path}/unsettled", 200, reason="a debt")["unsettled"]
    assert not one.post(f"{path}/settled", 200, reason="paid")["unsettled"]


def test_agreement_and_training_are_read_signed_and_published(one: Program, two: Program) -> None:
    agreement = one.get("/agreement")
    assert one.post("/agreement/signature", 409, sha256="0" * 64)["code"] == "conflict"
    assert one.post("/agreement/signature", sha256=agreement["sha256"])["version"] == agreement["version"]
    assert one.get("/agreement")["signed_at"] is not None
    assert [each["counts"] for each in one.get("/agreement/signatures")["signatures"]] == [True]
    course = one.get("/training")
    answers = [question.right for question in SHIPPED.questions]
    assert one.post("/training/attempts", 409, version=course["version"] + 1, answers=answers)["code"] == "conflict"
    assert one.post("/training/attempts", version=course["version"], answers=answers)["passed"]
    assert one.get("/training")["passed_until"] is not None
    assert len(one.get("/training/attempts")["attempts"]) == 1
    words = {"zh": "新", "en": "new"}
    question = {"text": words, "choices": [words, {"zh": "旧", "en": "old"}], "right": 0}
    said = {"material": words, "questions": [question], "pass_percent": 80, "valid_days": 30, "asks_again": False}
    assert one.post("/training/courses", **said)["version"] == course["version"] + 1
    wrong = {**said, "questions": [{**question, "text": {"zh": "新"}}]}
    assert one.post("/training/courses", 400, **wrong)["field"] == "questions.text.en"
    assert two.post("/agreement/versions", zh="新的", en="a new one")["version"] == agreement["version"] + 1


def test_a_record_is_lent_to_one_by_the_other_and_given_back(one: Program, two: Program) -> None:
    record = stored_id(one.client, b"a deal", title="Deal", **{"class": "deal"})
    gates = {each["gate"]: each["open"] for each in one.get(f"/records/{record}/gates")["gates"]}
    assert gates["borrowing"] is False
    one.post(f"/records/{record}/loans", 400, purpose="business", words="x")
    loan = one.post(f"/records/{record}/loans", purpose="business", words="due diligence")
    assert one.post(f"/loans/{loan['id']}/decision", 403, grant=True)["code"] == "not-allowed"
    assert [each["id"] for each in two.get("/loans")["waiting"]] == [loan["id"]]
    assert two.post(f"/loans/{loan['id']}/decision", 200, grant=True)["state"] == "granted"
    assert one.get("/loans")["mine"][0]["words"] == "due diligence"
    assert two.step(f"/loans/{loan['id']}/return", 404)["code"] == "not-found"
    assert one.step(f"/loans/{loan['id']}/return")["state"] == "returned"


def test_groups_are_made_granted_joined_and_left(served: Served, one: Program) -> None:
    assert one.post("/groups", group="letters")["grants"] == []
    one.post("/groups/letters/grants", role="reader", **{"class": "correspondence"})
    one.post("/groups/letters/grants", 400, role="audit", **{"class": "*"})
    token = one.post("/invitations", groups=["letters"])["url"].rpartition("/")[2]
    person = people.accept_invitation(served.vault, token, login="zhou", name="Zhou", password=PASSWORD)
    with served.client() as client:
        zhou = program_of(client, "zhou")
        held = zhou.get("/permissions")
        assert (held["groups"], held["class_roles"]) == (
            ["letters"],
            [{"role": "reader", "class": "correspondence"}],
        )
        assert zhou.step("/groups/readers/leave", 404)["code"] == "not-found"
        zhou.step("/groups/letters/leave", 204)
        assert zhou.get("/permissions")["groups"] == []
    one.post("/groups/letters/members", person=person.id)
    assert [each["name"] for each in one.get("/groups/letters")["members"]] == ["Zhou"]
    one.delete(f"/groups/letters/members/{person.id}")
    one.delete("/groups/letters/grants/reader/correspondence")
    one.delete("/groups/letters/grants/reader/correspondence", 404)
    assert one.get("/groups/letters")["grants"] == []
    assert "letters" in {each["group"] for each in one.get("/groups")["groups"]}


def test_how_the_vault_stands_is_told(one: Program) -> None:
    assert {each["job"] for each in one.get("/state")["jobs"]} >= {"prove-lock"}
    assert one.get("/keepers")["generation"] >= 0
    assert one.get("/backups")["configured"] is False
    assert one.get("/tasks")["tasks"] is not None


def test_somebody_tends_their_own_account(served: Served, one: Program) -> None:
    token = people.invite(served.vault, everything(), {"readers"})
    people.accept_invitation(served.vault, token, login="qian", name="Qian", password=PASSWORD)
    with served.client() as client, served.client() as other:
        qian = program_of(client, "qian")
        program_of(other, "qian")
        assert qian.ask("DELETE", "/sessions", 200) == {"ended": 1}
        assert qian.get("/profile/factors")["authenticator"] is False
        assert qian.step("/profile/authenticator", 201)["uri"].startswith("otpauth://")
        assert qian.post("/profile/authenticator/confirmation", 400, code="000000")["field"] == "code"
        qian.delete("/profile/authenticator")
        qian.delete("/profile/authenticator", 404)
        qian.step("/profile/recovery-codes", 409)
        qian.delete(f"/profile/passkeys/{'a' * 26}", 404)
        qian.post(f"/profile/passkeys/{'a' * 26}", 404, name="My device")
        qian.post("/profile/password", 204, old=PASSWORD, new="another sentence to remember")


def test_what_is_not_described_is_refused_by_its_name(one: Program) -> None:
    said = {"name": "nightly", "scopes": ["list-records"]}
    assert one.post("/tokens", 400, **said, day=1)["field"] == "day"
    assert one.post("/tokens", 400, name="nightly")["field"] == "scopes"
    assert one.post("/tokens", 400, **said, days="90")["field"] == "days"
    assert one.post("/tokens", 400, name="nightly", scopes=["fly"])["field"] == "scopes"
    assert one.get("/records", 400, limits=5)["field"] == "limits"
    assert one.get("/records", 400, limit="many")["field"] == "limit"
    assert one.post("/customers", 400, name="a\0b")["code"] == "invalid-input"


def test_a_token_does_what_its_scope_names_and_never_what_asks_for_a_proof(
    served: Served, one: Program, visits: str
) -> None:
    scopes = [each["action"] for each in one.get("/permissions")["permissions"] if each["yours"]]
    made = one.post("/tokens", name="everything", scopes=scopes, days=1)
    narrow = one.post("/tokens", name="lists", scopes=["list-records"], days=1)
    with served.client() as client:
        client.headers["Authorization"] = f"Bearer {made['token']}"
        robot = Program(client=client, description=one.description)
        record = stored_id(client, b"by a token", title="By a token")
        number = robot.post("/matters", title="M", reason="r", issuer="i", records=[record])["number"]
        robot.post(f"/matters/{number}/release", 200, reason="r")
        refused = [
            robot.step(f"/matters/{number}/release/confirmation", 403),
            robot.post("/agreement/signature", 403, sha256=one.get("/agreement")["sha256"]),
            robot.post("/training/attempts", 403, version=one.get("/training")["version"], answers=[0]),
            robot.step("/groups/records/leave", 403),
            robot.post("/invitations", 403, groups=["readers"]),
            robot.post("/tokens", 403, name="more", scopes=["list-records"]),
        ]
        assert {each["code"] for each in refused} == {"not-allowed"}
        client.headers["Authorization"] = f"Bearer {narrow['token']}"
        assert robot.get("/records")["records"]
        assert robot.get("/matters", 403)["code"] == "not-allowed"
        assert robot.get("/loans", 403)["code"] == "not-allowed"
