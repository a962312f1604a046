"""What the synthetic voices say: interruptions, backchannels and agents' sentences.

All written for this project. English interruptions are combined from openers and continuations;
other languages have short lists of their own, so that rhythm and sounds differ.
"""

from __future__ import annotations

from itertools import product

OPENERS = (
    "wait",
    "hold on",
    "sorry",
    "excuse me",
    "no no",
    "stop",
    "listen",
    "actually",
    "hang on a second",
    "one moment",
    "hey",
    "okay but",
    "yeah but",
    "look",
    "um",
    "uh wait",
    "so",
    "please",
)
CONTINUATIONS = (
    "what does that cost",
    "I already have one of those",
    "can you say that again",
    "who is this",
    "I have a question",
    "that's not what I asked",
    "how many people can use it",
    "I'm not interested",
    "is this a recording",
    "we use something else",
    "does it work on a phone",
    "I can't talk right now",
    "send me an email",
    "call me tomorrow",
    "what about the weekend",
    "how long does it take",
    "can I speak to a person",
    "that's too expensive",
    "do you do discounts",
    "where did you get my number",
    "I only have two vans",
    "we're a family business",
    "my wife handles that",
    "is there a contract",
    "what happens after the trial",
    "do I need a credit card",
)
SHORT = (
    "stop",
    "stop it",
    "no thanks",
    "no thank you",
    "wait a minute",
    "hold on",
    "hang on",
    "excuse me?",
    "what?",
    "say that again",
    "how much?",
    "not interested",
    "sorry?",
    "who is this?",
    "hello?",
    "one question",
    "quick question",
    "hold up",
    "no no no",
    "wait wait",
    "pardon me?",
    "can you stop",
    "slow down",
    "stop talking",
    "take me off your list",
    "that's wrong",
    "I don't think so",
    "never mind",
    "goodbye",
    "I have to go",
)
FILLERS = ("uh", "um", "er", "so", "well", "hmm", "and")
BACKCHANNELS = (
    "mm hmm",
    "mhm",
    "yeah",
    "okay",
    "right",
    "uh huh",
    "sure",
    "yes",
    "got it",
    "ah",
    "mm",
    "oh",
    "yep",
    "I see",
    "cool",
    "great",
    "hmm",
    "good",
    "fine",
    "true",
    "alright",
    "aha",
    "yup",
    "wow",
    "nice",
    "oh okay",
)
LANGUAGES: dict[str, tuple[str, ...]] = {
    "es": (
        "espere un momento|perdone, tengo una pregunta|no me interesa|cuánto cuesta eso",
        "no, gracias|¿quién habla?|ya tenemos otro programa|hable más despacio"
        "|disculpe|mándeme un correo",
        "sí|ajá|vale|claro|bueno|ya|mm|eso|bien",
    ),
    "de": (
        "Moment mal|Entschuldigung, eine Frage|kein Interesse|was kostet das denn|nein danke",
        "wer ist denn da?|das haben wir schon|bitte langsamer|warten Sie kurz|das stimmt so nicht",
        "ja|genau|mhm|okay|gut|klar|ach so|aha|stimmt",
    ),
    "fr": (
        "attendez une seconde|excusez-moi, une question|ça ne m'intéresse pas|combien ça coûte",
        "non merci|qui est à l'appareil ?|on a déjà quelque chose|pardon ?|parlez moins vite",
        "oui|d'accord|ouais|ah bon|bien|mm|voilà|ok|hum",
    ),
    "it": (
        "aspetti un attimo|scusi, una domanda|non mi interessa|quanto costa|no grazie",
        "chi parla?|ne abbiamo già uno|può ripetere?|mi mandi una mail|un momento",
        "sì|certo|va bene|ah|ok|giusto|bene|mm|capito",
    ),
    "pt-br": (
        "espera aí|desculpe, uma pergunta|não tenho interesse|quanto custa isso|não obrigado",
        "quem está falando?|já temos um|pode repetir?|fale mais devagar|me liga amanhã",
        "sim|tá|claro|certo|ah|isso|bom|aham|entendi",
    ),
    "nl": (
        "wacht even|sorry, een vraag|geen interesse|wat kost dat dan|nee dank je",
        "met wie spreek ik?|dat hebben we al|kunt u dat herhalen?|stuur maar een mail|stop maar",
        "ja|oké|precies|goed|hm|juist|aha|prima|mm",
    ),
    "pl": (
        "chwileczkę|przepraszam, mam pytanie|nie jestem zainteresowany|ile to kosztuje",
        "nie dziękuję|kto mówi?|mamy już coś takiego|proszę powtórzyć"
        "|proszę wolniej|proszę zaczekać",
        "tak|dobrze|no|aha|jasne|mhm|okej|rozumiem|racja",
    ),
    "ru": (
        "подождите|извините, у меня вопрос|мне это не интересно|сколько это стоит|нет спасибо",
        "кто это говорит?|у нас уже есть|повторите пожалуйста|говорите медленнее|одну минуту",
        "да|ага|угу|хорошо|ясно|так|ну да|понятно|верно",
    ),
    "sv": (
        "vänta lite|ursäkta, en fråga|jag är inte intresserad|vad kostar det|nej tack",
        "vem är det?|vi har redan en|kan du upprepa?|prata långsammare|ring i morgon",
        "ja|okej|precis|mm|just det|bra|aha|jaha|visst",
    ),
    "tr": (
        "bir dakika|pardon, bir sorum var|ilgilenmiyorum|bu ne kadar|hayır teşekkürler",
        "kim arıyor?|bizde zaten var|tekrar eder misiniz?|yavaş konuşun|durun lütfen",
        "evet|tamam|hı hı|peki|doğru|ha|olur|anladım|iyi",
    ),
    "hu": (
        "várjon egy kicsit|elnézést, egy kérdés|nem érdekel|ez mennyibe kerül|nem köszönöm",
        "ki beszél?|már van ilyenünk|megismételné?|beszéljen lassabban|álljon meg",
        "igen|jó|aha|persze|értem|oké|mhm|hogyne|na jó",
    ),
    "fi": (
        "odota hetki|anteeksi, yksi kysymys|ei kiinnosta|mitä se maksaa|ei kiitos",
        "kuka siellä?|meillä on jo sellainen|voitko toistaa?|puhu hitaammin|lopeta",
        "joo|niin|kyllä|aha|okei|hyvä|mm|selvä|juu",
    ),
    "ro": (
        "stați puțin|scuzați, o întrebare|nu mă interesează|cât costă asta|nu mulțumesc",
        "cine e la telefon?|avem deja unul|puteți repeta?|vorbiți mai rar|opriți-vă",
        "da|bine|aha|sigur|corect|mm|așa|am înțeles|ok",
    ),
    "id": (
        "tunggu sebentar|maaf, saya mau tanya|saya tidak tertarik|berapa harganya",
        "tidak terima kasih|ini siapa?|kami sudah punya|tolong ulangi"
        "|pelan pelan saja|berhenti dulu",
        "ya|oke|baik|hmm|betul|oh|siap|iya|paham",
    ),
    "el": (
        "περιμένετε λίγο|συγγνώμη, μια ερώτηση|δεν με ενδιαφέρει|πόσο κάνει αυτό|όχι ευχαριστώ",
        "ποιος είναι;|έχουμε ήδη ένα|μπορείτε να επαναλάβετε;|πιο αργά παρακαλώ|σταματήστε",
        "ναι|εντάξει|μάλιστα|α|ωραία|σωστά|μμ|καλά|βέβαια",
    ),
    "hi": (
        "एक मिनट रुकिए|माफ़ कीजिए, एक सवाल है|मुझे नहीं चाहिए|इसका दाम क्या है|नहीं धन्यवाद",
        "कौन बोल रहा है?|हमारे पास पहले से है|फिर से बोलिए|धीरे बोलिए|बाद में फ़ोन कीजिए",
        "हाँ|ठीक है|अच्छा|जी|हम्म|सही|बिलकुल|ओके|हाँ हाँ",
    ),
}
AGENT = (
    "Thanks for calling Maplewood Dispatch. This call may be recorded. How can I help you today?",
    "We make scheduling and dispatch software for plumbers, electricians, and heating companies.",
    "The starter plan covers three technicians, and you can add more whenever you hire.",
    "Most shops are up and running within two days, because we import your customer list for you.",
    "You can see every job on one board, drag it to another technician, "
    "and the customer gets a text.",
    "It works with QuickBooks and with Google Calendar, so nothing has to be typed twice.",
    "I can set up a demo for tomorrow at ten in the morning, or Thursday at half past two.",
    "There is no contract. You pay month by month, and you can leave whenever you like.",
    "Technicians use the app on their own phones, and it keeps working when there is no signal.",
    "Let me read that back to you, so that I have the address and the telephone number right.",
    "That is a fair question. The short answer is yes, and the long answer depends on your team.",
    "Invoices go out the moment the job is closed, and customers can pay by card from the link.",
    "I understand that budget is tight right now, so let me ask just one thing before we go on.",
    "Many of our customers told us that they save about six hours a week on phone calls alone.",
    "If you like, a colleague who knows your trade can call you back later this afternoon.",
    "The trial lasts fourteen days, and nobody will ask you for a credit card at any point.",
    "Dispatchers like the map, because they see who is closest when an emergency call comes in.",
    "We keep three years of job history, with photographs, notes, and the parts that were used.",
    "Support is open from seven in the morning until eight in the evening, central time.",
    "I will send you a summary by email, with the prices, and a link that you can share.",
    "Is there a day this week that suits you better, or should we look at the week after?",
    "Our largest customer runs ninety vans, and our smallest is a father with his daughter.",
    "You can also let customers book on your website, within the hours that you open for it.",
    "Before I go on, may I ask how you keep track of your jobs at the moment?",
)


def english() -> tuple[str, ...]:
    """Return every English interruption: short ones, and opener × continuation."""
    long = (f"{a}, {b}" for a, b in product(OPENERS, CONTINUATIONS))
    return (*SHORT, *CONTINUATIONS, *long)


def phrases(language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return interruptions and backchannels of a language; English where it has no list."""
    lists = LANGUAGES.get(language)
    if lists is None:
        return english(), BACKCHANNELS
    return tuple(f"{lists[0]}|{lists[1]}".split("|")), tuple(lists[2].split("|"))
