"""Training: material, the questions of its test, and who passed it until when.

Rule 1: a version never changes. Whether passes of earlier versions stay good, its publisher says.
Rule 2: a pass is good for the days that its version says, and not a day longer.
Rule 3: until somebody publishes a version of their own, the material that ships is version 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PersonId

TEXT_MAX_CHARACTERS: Final = 20_000
QUESTIONS_MAX: Final = 50
CHOICES_MAX: Final = 8
VALID_DAYS_MAX: Final = 3650
TRIES_A_DAY: Final = 10
RENEW_WITHIN: Final = timedelta(days=30)
RIGHT, WRONG = "*", "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bilingual:
    """A line in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question with its choices; ``right`` is the place of the one that is right."""

    text: Bilingual
    choices: tuple[Bilingual, ...]
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is learnt, and how it is tested."""

    material: Bilingual
    questions: tuple[Question, ...]
    pass_percent: int
    valid_days: int
    asks_again: bool

    def checked(self) -> Course:
        """The course, if it can be taken. Raises ``InvalidInput`` naming the field."""
        for field, text in (("material_zh", self.material.zh), ("material_en", self.material.en)):
            if not text.strip() or len(text) > TEXT_MAX_CHARACTERS:
                raise InvalidInput(
                    f"the material has 1 to {TEXT_MAX_CHARACTERS} characters in each language", field=field
                )
        if not 1 <= len(self.questions) <= QUESTIONS_MAX:
            raise InvalidInput(f"a test has 1 to {QUESTIONS_MAX} questions", field="questions")
        if not 1 <= self.pass_percent <= 100:
            raise InvalidInput("the pass mark is 1 to 100 percent", field="pass_percent")
        if not 1 <= self.valid_days <= VALID_DAYS_MAX:
            raise InvalidInput(f"a pass is good for 1 to {VALID_DAYS_MAX} days", field="valid_days")
        return self

    def score_percent(self, answers: Sequence[int | None]) -> int:
        """How many in a hundred are right, rounded down. Raises ``InvalidInput`` unless every question has one."""
        if len(answers) != len(self.questions) or None in answers:
            raise InvalidInput("answer every question", field="answers")
        right = sum(given == question.right for given, question in zip(answers, self.questions, strict=True))
        return 100 * right // len(self.questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseVersion:
    """A version as it is kept; ``sealed`` opens to its material and questions."""

    version: int
    sealed: bytes
    pass_percent: int
    valid_days: int
    asks_again: bool
    published_by: PersonId
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody took the test; ``expires_at`` says until when that is good, None that they did not pass."""

    version: int
    person_id: PersonId
    score_percent: int
    at: datetime
    expires_at: datetime | None


def parse_questions(text: str) -> tuple[Question, ...]:
    """Questions as they are typed: blocks apart by an empty line, the question first, then its choices, one a line.

        题目 | The question
        * 正确 | the right choice
        - 错误 | a wrong one

    A line in one language stands for both. Raises ``InvalidInput`` naming the block.
    """
    blocks = [block.strip().splitlines() for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    return tuple(_question(number, [line.strip() for line in block]) for number, block in enumerate(blocks, 1))


def write_questions(questions: Sequence[Question]) -> str:
    """Questions as ``parse_questions`` reads them."""
    return "\n\n".join(
        "\n".join(
            [
                _written(question.text),
                *(
                    f"{RIGHT if place == question.right else WRONG} {_written(choice)}"
                    for place, choice in enumerate(question.choices)
                ),
            ]
        )
        for question in questions
    )


def _question(number: int, lines: Sequence[str]) -> Question:
    marked = [line for line in lines[1:] if line[:1] in (RIGHT, WRONG) and line[1:].strip()]
    right = [place for place, line in enumerate(marked) if line.startswith(RIGHT)]
    if len(marked) != len(lines) - 1 or not 2 <= len(marked) <= CHOICES_MAX or len(right) != 1:
        raise InvalidInput(
            f"question {number} needs 2 to {CHOICES_MAX} choices, one a line: '{RIGHT}' before the one that is right, "
            f"'{WRONG}' before each other",
            field="questions",
        )
    return Question(text=_read(lines[0]), choices=tuple(_read(line[1:].strip()) for line in marked), right=right[0])


def _read(line: str) -> Bilingual:
    zh, _, en = line.partition("|")
    return Bilingual(zh=zh.strip() or en.strip(), en=en.strip() or zh.strip())


def _written(line: Bilingual) -> str:
    return line.zh if line.zh == line.en else f"{line.zh} | {line.en}"


SHIPPED: Final = Course(
    material=Bilingual(
        zh="""保管和调阅档案须知

一、只调阅工作需要的档案，用途如实填写；好奇不是理由。
二、身份证明、健康、财务等敏感个人信息，只有在特定目的和充分必要时才可处理（个人信息保护法第二十八条）。
三、重要档案先借阅后调阅：由他人批准，到期自动归还。
四、不向无权的人透露内容；对外提供须有依据，通过有期限的链接，并登记对象。
五、未到期、被冻结或未经批准的档案不得销毁。
六、发现泄露、丢失或误用，立即报告；须在规定时限内处置。""",
        en="""Keeping and opening records

1. Open only what your work needs, and say truthfully what for; curiosity is no purpose.
2. Papers of identity, health, finances and the like are sensitive: they are handled only for a specific purpose and
where that is really necessary (Personal Information Protection Law, article 28).
3. Important records are borrowed before they are opened: somebody else approves, and they return by themselves.
4. Tell nobody who may not know. What goes out goes out on a ground, by a link that expires, to somebody named.
5. What is not due, is held, or was not approved is not destroyed.
6. Report a leak, a loss or a misuse at once: the time to act is short.""",
    ),
    questions=parse_questions(
        """同事请您顺便看看某位名人的档案。您怎么做？ | A colleague wants you to look at a celebrity's file. And you?
- 看一眼，不告诉别人 | Have a look and tell nobody
* 拒绝：没有工作上的用途 | Refuse: no work needs it
- 用同事的账号看 | Look with the colleague's account

调阅敏感档案时，用途应当怎样填写？ | What do you say a sensitive record is opened for?
- 随便写几个字 | Any few words
* 如实写明这次为什么需要 | Truthfully, why it is needed this time
- 总是写“日常业务” | Always "daily business"

您急需一份重要档案，但借阅尚未批准。 | You need an important record badly, and nobody has approved yet.
* 请有权的他人批准，或等待 | Ask somebody else who may, or wait
- 自己批准自己的申请 | Approve your own request
- 让别人下载后发给您 | Let somebody download it and send it to you

客户的律师要一份合同，最好怎样提供？ | A customer's lawyer needs a contract. What is the best way?
- 从私人邮箱发送 | Send it from a private mail account
- 拍照发送 | Send a photograph
* 有依据后，发有期限和提取码的链接 | On a ground, by a link with an expiry and a pass code

您发现自己把档案发给了错误的收件人。 | You notice that you sent a record to the wrong person.
- 希望没人发现 | Hope that nobody notices
* 立即报告，并撤回链接 | Report it at once and withdraw the link
- 下周再说 | Mention it next week
"""
    ),
    pass_percent=80,
    valid_days=365,
    asks_again=True,
).checked()
"""The course of version 1 until somebody publishes another."""
