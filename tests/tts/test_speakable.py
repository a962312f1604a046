"""What is written and what is said. The table is the specification."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdr_lab.tts.markdown import ADDRESS, MARKUP
from sdr_lab.tts.speakable import clean_markdown_for_tts, speakable, spoken_weight

CLEANED = [
    # emphasis, code, headings
    ("**Bold** and *really* good", "Bold and really good"),
    ("***Wow***, __truly__ and _so_ good", "Wow, truly and so good"),
    ("It was ~~$60~~ now $50", "It was $60 now $50"),
    ("Run `make demo` now", "Run make demo now"),
    ("Like this: ```python\nprint(1)\n``` Simple.", "Like this: Simple."),
    ("An open fence ```js\nx = 1", "An open fence"),
    ("# Pricing\nIt is simple.", "Pricing. It is simple."),
    ("## Our plans ##\nTwo.", "Our plans. Two."),
    ("use snake_case here", "use snake case here"),
    # lists, tables, quotes
    ("Plans:\n- Basic\n- Pro\n\nAsk me!", "Plans: Basic. Pro. Ask me!"),
    ("* One\n* Two.", "One. Two."),
    ("1. Open the app\n2) Click **Save**", "Open the app. Click Save."),
    ("• Fast\n• Safe", "Fast. Safe."),
    ("- [x] Done\n- [ ] Open", "Done. Open."),
    ("| Plan | Price |\n|---|:-:|\n| Pro | $49 |", "Plan, Price. Pro, $49."),
    ("> They love it.\n> Really.", "They love it. Really."),
    ("Before\n\n---\n\nAfter", "Before After"),
    # links and HTML
    ("See [our site](https://acme.com/a_b) now", "See our site now"),
    ("![logo](logo.png) Hello", "Hello"),
    ("Mail <mailto:joe@acme.com> or <https://acme.com>", "Mail joe@acme.com or https://acme.com"),
    ("As shown [1] and here[^2].", "As shown and here."),
    ("<b>Hi</b><br/>there <!-- a note -->", "Hi there"),
    ("joe_smith@acme.com", "joe_smith@acme.com"),
    # emoji and smileys
    ("Great! 😀👍🏽 🇺🇸", "Great!"),
    ("Thanks 🙂.", "Thanks."),
    ("Family 👨‍👩‍👧 plan ❤️", "Family plan"),
    ("Nice :) Bye ;-)", "Nice Bye"),
    ("So good :tada: :+1:", "So good :+1:"),
    ("✅ Included ★★★", "Included"),
    # stage directions
    ("*smiles* Hello there!", "Hello there!"),
    ("(laughs) Sure. [pause] Okay?", "Sure. Okay?"),
    ("*clears throat* So, shall we?", "So, shall we?"),
    ("[sighs deeply] I see. *typing on keyboard*", "I see."),
    ("_laughs softly_ Good one.", "Good one."),
    ("*excited* Hello!", "Hello!"),
    ("I'm so *excited* to talk", "I'm so excited to talk"),
    ("[long pause] Right (in a warm tone) then", "Right then"),
    ("The Pro plan (our best) is ready", "The Pro plan (our best) is ready"),
    ("[Name] and {{company}}", "Name and company"),
    # signs that mean something before a number
    ("We are #1 with ~500 users", "We are number 1 with about 500 users"),
    ("<5 or >10, <= 3", "less than 5 or more than 10, at most 3"),
    ("in C#", "in C sharp"),
    ("", ""),
    ("   \n\t ", ""),
    ("🎉", ""),
    ("Wide   gaps\n\n\n\nand lines\r\nof Windows", "Wide gaps and lines of Windows"),
]

SPOKEN = [
    # money
    ("$49", "forty-nine dollars"),
    ("$1", "one dollar"),
    ("$49.99/month", "forty-nine dollars and ninety-nine cents per month"),
    ("$49/user/mo", "forty-nine dollars per user per month"),
    ("$1,200.50", "one thousand two hundred dollars and fifty cents"),
    ("$0.05", "five cents"),
    ("$0", "zero dollars"),
    ("$1.2M", "one point two million dollars"),
    ("$3 billion", "three billion dollars"),
    ("$50k", "fifty thousand dollars"),
    ("$1234567", "one million two hundred thirty-four thousand five hundred sixty-seven dollars"),
    ("€20", "twenty euros"),
    ("20 €", "twenty euros"),
    ("£9.01", "nine pounds and one penny"),
    ("¥500", "five hundred yen"),
    ("50 USD", "fifty dollars"),
    ("$10–$20", "ten dollars to twenty dollars"),
    ("$10-20", "ten to twenty dollars"),
    ("$1-2M", "one to two million dollars"),
    # percentages, ratios, fractions
    ("15%", "fifteen percent"),
    ("99.9 %", "ninety-nine point nine percent"),
    ("10-15%", "ten to fifteen percent"),
    ("24/7", "twenty-four seven"),
    ("1/2 of them, 3/4 of us", "one half of them, three quarters of us"),
    ("2/3", "two thirds"),
    ("9/10 callers", "nine out of ten callers"),
    ("1½ hours or ¾", "one and a half hours or three quarters"),
    # dates
    ("2026-12-01", "December first, twenty twenty-six"),
    ("2026-12-01T14:30:00Z", "December first, twenty twenty-six at two thirty P M"),
    ("12/01/2026", "December first, twenty twenty-six"),
    ("25/12/2026", "December twenty-fifth, twenty twenty-six"),
    ("Dec 1st", "December first"),
    ("Dec. 1, 2026", "December first, twenty twenty-six"),
    ("Sept 3", "September third"),
    ("1 Dec 2026", "December first, twenty twenty-six"),
    ("the 3rd of May", "the May third"),
    ("June 3-5", "June third to fifth"),
    ("March 2027", "March twenty twenty-seven"),
    ("Since 1999, in the 1990s", "Since nineteen ninety-nine, in the nineteen nineties"),
    ("Mon-Fri", "Monday to Friday"),
    ("Tue, Dec 1", "Tuesday, December first"),
    ("Sat at 9am", "Saturday at nine A M"),
    ("The cat sat in the sun.", "The cat sat in the sun."),
    # times
    ("10:30am", "ten thirty A M"),
    ("10 a.m. works", "ten A M works"),
    ("at 10 a.m.", "at ten A M."),
    ("10 p.m. Then", "ten P M. Then"),
    ("at 3PM.", "at three P M."),
    ("14:00", "two P M"),
    ("9:05", "nine oh five"),
    ("10:00", "ten o'clock"),
    ("00:30", "twelve thirty A M"),
    ("9am-5pm", "nine A M to five P M"),
    ("9-5", "nine to five"),
    ("10:30-11:00 am", "ten thirty to eleven A M"),
    # telephone numbers, addresses
    ("415-555-0123", "four one five, five five five, zero one two three"),
    ("(415) 555-0123", "four one five, five five five, zero one two three"),
    ("+1 415 555 0123", "plus one, four one five, five five five, zero one two three"),
    ("+14155550123", "plus one, four one five, five five five, zero one two three"),
    ("4155550123", "four one five, five five five, zero one two three"),
    ("555-0123", "five five five, zero one two three"),
    ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ("joe@example.com", "joe at example dot com"),
    (
        "Write to joe_b.smith-2@mail.example.co.uk.",
        "Write to joe underscore b dot smith dash two at mail dot example dot co dot U K.",
    ),
    ("https://www.acme.com/pricing?ref=1", "acme dot com slash pricing"),
    ("Visit acme.io, please", "Visit acme dot I O, please"),
    # acronyms and shouting
    ("our CRM and ERP", "our C R M and E R P"),
    ("APIs, FAQs", "A P I's, F A Q's"),
    ("an API's limits", "an A P I's limits"),
    ("NASA, HIPAA and JSON", "NASA, HIPAA and JSON"),
    ("U.S. and U.K.", "U S and U K"),
    ("IT and HR", "I T and H R"),
    ("SOC 2 for SaaS", "sock two for sass"),
    ("B2B, 5G and Q4", "B to B, five G and Q four"),
    ("R&D, Q&A and AT&T", "R and D, Q and A and A T and T"),
    ("This is NOT a trick", "This is not a trick"),
    ("OK, HubSpot and iPhone", "okay, HubSpot and iPhone"),
    # numbers, ordinals, units
    ("1,250 users", "one thousand two hundred fifty users"),
    ("the 2nd and 21st", "the second and twenty-first"),
    ("3.5 hours", "three point five hours"),
    ("#1", "number one"),
    ("No. 5", "number five"),
    ("10GB", "ten gigabytes"),
    ("1 GB", "one gigabyte"),
    ("100 Mbps", "one hundred megabits per second"),
    ("6 ft", "six feet"),
    ("30 min", "thirty minutes"),
    ("72°F", "seventy-two degrees Fahrenheit"),
    ("10x faster", "ten times faster"),
    ("3 x 4", "three times four"),
    ("50k users", "fifty thousand users"),
    ("2,000+ teams", "two thousand plus teams"),
    ("2-3 weeks", "two to three weeks"),
    ("-5 degrees", "minus five degrees"),
    ("v2.1", "version two point one"),
    ("#5 in 3 of 4", "number five in three of four"),
    ("code 4821", "code four eight two one"),
    ("account ending in 0042", "account ending in zero zero four two"),
    ("12-34-5678", "one two, three four, five six seven eight"),
    # abbreviations and signs
    ("e.g. Slack, etc.", "for example, Slack, et cetera."),
    ("i.e., now", "that is, now"),
    ("Dr. Lee vs. Mr. Fox", "Doctor Lee versus Mister Fox"),
    ("Acme Inc. w/ support", "Acme Incorporated with support"),
    ("sales & marketing", "sales and marketing"),
    ("and/or", "and or"),
    ("sales/marketing", "sales or marketing"),
    ("a+b = c", "a plus b equals c"),
    ("fast — really fast", "fast, really fast"),
    ("the plan (our best) costs more", "the plan, our best, costs more"),
    ("Wait... what?!?", "Wait... what?"),
    ("“Quoted” text", "Quoted text"),
    # all together
    (
        "**Pro** is $49.99/mo (15% off) 🎉 - see [pricing](https://a.co)",
        "Pro is forty-nine dollars and ninety-nine cents per month, "
        "fifteen percent off, see pricing",
    ),
]

PLAIN = [
    "Hello, this is Joe from Acme. Do you have a minute?",
    "I don't have that information, but I'll follow up by e-mail.",
    "Twenty-five people, well-known and state-of-the-art.",
    "Naïve café in Zürich, señor.",
    "Wait... really?",
    "Are you there? Yes! Great.",
    "It may take a while; in May it was faster.",
    "He said: no.",
]


@pytest.mark.parametrize(("written", "cleaned"), CLEANED)
def test_cleaning(written: str, cleaned: str):
    assert clean_markdown_for_tts(written) == cleaned


@pytest.mark.parametrize(("written", "spoken"), SPOKEN)
def test_speaking(written: str, spoken: str):
    assert speakable(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), SPOKEN)
def test_what_is_spoken_is_spoken_again_the_same(written: str, spoken: str):
    assert speakable(spoken) == spoken


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_is_left_alone(text: str):
    assert speakable(text) == text
    assert clean_markdown_for_tts(text) == text


@pytest.mark.parametrize(("written", "spoken"), SPOKEN)
def test_the_rules_work_in_the_middle_of_a_sentence(written: str, spoken: str):
    said = speakable(f"It is {written} so far.")

    assert said in (f"It is {spoken} so far.", f"It is {spoken.rstrip('.')} so far.")


def test_a_shouted_sentence_is_calmed():
    assert speakable("THIS IS FREE FOR YOU.") == "This is free for you."


@pytest.mark.parametrize("written", [written for written, _ in CLEANED + SPOKEN])
def test_cleaning_first_makes_no_difference(written: str):
    assert speakable(clean_markdown_for_tts(written)) == speakable(written)


written_text = st.text() | st.text(alphabet="ab1 2.,-$%*_#`[]()<>/:@|&+~'\"\n\\AM°½🎉", max_size=40)


@settings(deadline=None)
@given(written_text)
@example("*" * 500)
@example("[" * 500 + "(")
@example("1" * 5000)
@example("\n" * 3000)
@example("a" + " " * 3000 + "b")
@example("a@" * 1500)
@example("0/0 00/00/00 99:99 $.5 1.1.1.1.1")
@example("٣ ½ ² ① Ⅷ")
@example("\ud800")
def test_nothing_raises_and_no_markup_is_left(text: str):
    spoken = speakable(text)

    assert not set(spoken) & set(MARKUP)
    assert not re.search(r"[0-9@$€%&+=\n]|  ", spoken)


@settings(deadline=None)
@given(written_text)
def test_cleaning_leaves_markup_in_addresses_only(text: str):
    cleaned = clean_markdown_for_tts(text)

    assert not set(ADDRESS.sub("", cleaned)) & set(MARKUP)


@settings(deadline=None)
@given(st.lists(st.sampled_from([written for written, _ in SPOKEN]), max_size=5))
def test_speaking_twice_is_speaking_once(parts: list[str]):
    spoken = speakable(" so ".join(parts))

    assert speakable(spoken) == spoken


# ---- weights


def test_weights_of_words():
    assert spoken_weight("the") < spoken_weight("hello") < spoken_weight("configuration")
    assert spoken_weight("CRM") == pytest.approx(3 * spoken_weight("C"))
    assert spoken_weight("$49.99") > 5 * spoken_weight("forty")
    assert spoken_weight("WWW") == 3 * spoken_weight("CRM")
    assert spoken_weight("today.") > spoken_weight("today")


@pytest.mark.parametrize("word", ["", "🎉", "-", "...", "*", "—"])
def test_what_is_not_said_weighs_nothing(word: str):
    assert spoken_weight(word) == 0


@settings(deadline=None)
@given(written_text)
def test_weights_are_never_negative(text: str):
    assert spoken_weight(text) >= 0
