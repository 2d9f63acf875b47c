// The verb table of the demo lexicon: English forms, German forms, frame, and who does what to whom.
#include "models/grammar/demo_lexicon.h"

namespace heed::models {

const std::vector<Verb>& verbs() {
  using enum Frame;
  constexpr Classes kGoods = kThing | kText | kFood | kVehicle;
  constexpr Preposition kNone{};
  // clang-format off
  static const std::vector<Verb> rows = {
      {"be", "is", "was", "been", "", "sein", "ist", "war", "gewesen", "", true, copula, kAlive, 0, kNone, "bin"},
      {"be", "is", "was", "been", "", "geben", "gibt", "gab", "gegeben", "", false, existential},

      {"sleep", "sleeps", "slept", "slept", "", "schlafen", "schläft", "schlief", "geschlafen", "", false, intransitive, kAlive},
      {"laugh", "laughs", "laughed", "laughed", "", "lachen", "lacht", "lachte", "gelacht", "", false, intransitive},
      {"sing", "sings", "sang", "sung", "", "singen", "singt", "sang", "gesungen", "", false, intransitive},
      {"work", "works", "worked", "worked", "", "arbeiten", "arbeitet", "arbeitete", "gearbeitet", "", false, intransitive},
      {"swim", "swims", "swam", "swum", "", "schwimmen", "schwimmt", "schwamm", "geschwommen", "", true, intransitive, kAlive},
      {"get", "gets", "got", "got", "up", "stehen", "steht", "stand", "gestanden", "auf", true, intransitive, kAlive},
      {"arrive", "arrives", "arrived", "arrived", "", "kommen", "kommt", "kam", "gekommen", "an", true, intransitive},
      {"return", "returns", "returned", "returned", "", "kommen", "kommt", "kam", "gekommen", "zurück", true, intransitive, kAlive},

      {"go", "goes", "went", "gone", "", "gehen", "geht", "ging", "gegangen", "", true, motion, kAlive},
      {"run", "runs", "ran", "run", "", "laufen", "läuft", "lief", "gelaufen", "", true, motion, kAlive},
      {"live", "lives", "lived", "lived", "", "wohnen", "wohnt", "wohnte", "gewohnt", "", false, place},
      {"sit", "sits", "sat", "sat", "", "sitzen", "sitzt", "saß", "gesessen", "", false, place, kAlive},

      {"see", "sees", "saw", "seen", "", "sehen", "sieht", "sah", "gesehen", "", false, transitive, kAlive, kAlive | kGoods | kPlace},
      {"buy", "buys", "bought", "bought", "", "kaufen", "kauft", "kaufte", "gekauft", "", false, transitive, kPerson, kGoods},
      {"sell", "sells", "sold", "sold", "", "verkaufen", "verkauft", "verkaufte", "verkauft", "", false, transitive, kPerson, kGoods},
      {"read", "reads", "read", "read", "", "lesen", "liest", "las", "gelesen", "", false, transitive, kPerson, kText},
      {"write", "writes", "wrote", "written", "", "schreiben", "schreibt", "schrieb", "geschrieben", "", false, transitive, kPerson, kText},
      {"eat", "eats", "ate", "eaten", "", "essen", "isst", "aß", "gegessen", "", false, transitive, kAlive, kFood},
      {"love", "loves", "loved", "loved", "", "lieben", "liebt", "liebte", "geliebt", "", false, transitive, kPerson, kAlive | kPlace | kText},
      {"know", "knows", "knew", "known", "", "kennen", "kennt", "kannte", "gekannt", "", false, transitive, kPerson, kPerson | kPlace | kText},
      {"find", "finds", "found", "found", "", "finden", "findet", "fand", "gefunden", "", false, transitive, kAlive, kGoods | kAlive},
      {"visit", "visits", "visited", "visited", "", "besuchen", "besucht", "besuchte", "besucht", "", false, transitive, kPerson, kPerson | kPlace},
      {"paint", "paints", "painted", "painted", "", "malen", "malt", "malte", "gemalt", "", false, transitive, kPerson, kAlive | kPlace | kThing},
      {"repair", "repairs", "repaired", "repaired", "", "reparieren", "repariert", "reparierte", "repariert", "", false, transitive, kPerson, kVehicle | kDoor},
      {"wash", "washes", "washed", "washed", "", "waschen", "wäscht", "wusch", "gewaschen", "", false, transitive, kPerson, kClothes | kVehicle | kAnimal},
      {"carry", "carries", "carried", "carried", "", "tragen", "trägt", "trug", "getragen", "", false, transitive, kPerson, kThing | kFood},
      {"hear", "hears", "heard", "heard", "", "hören", "hört", "hörte", "gehört", "", false, transitive, kAlive, kAlive},
      {"lose", "loses", "lost", "lost", "", "verlieren", "verliert", "verlor", "verloren", "", false, transitive, kPerson, kThing | kText},

      {"open", "opens", "opened", "opened", "", "machen", "macht", "machte", "gemacht", "auf", false, transitive, kPerson, kDoor | kContainer},
      {"close", "closes", "closed", "closed", "", "machen", "macht", "machte", "gemacht", "zu", false, transitive, kPerson, kDoor | kContainer},
      {"invite", "invites", "invited", "invited", "", "laden", "lädt", "lud", "geladen", "ein", false, transitive, kPerson, kPerson},
      {"call", "calls", "called", "called", "", "rufen", "ruft", "rief", "gerufen", "an", false, transitive, kPerson, kPerson},
      {"collect", "collects", "collected", "collected", "", "holen", "holt", "holte", "geholt", "ab", false, transitive, kPerson, kPerson | kThing},
      {"throw", "throws", "threw", "thrown", "away", "werfen", "wirft", "warf", "geworfen", "weg", false, transitive, kPerson, kText | kFood | kClothes},
      {"prepare", "prepares", "prepared", "prepared", "", "bereiten", "bereitet", "bereitete", "bereitet", "vor", false, transitive, kPerson, kFeast},

      {"help", "helps", "helped", "helped", "", "helfen", "hilft", "half", "geholfen", "", false, dative, kPerson, kAlive},
      {"follow", "follows", "followed", "followed", "", "folgen", "folgt", "folgte", "gefolgt", "", true, dative, kAlive, kAlive},

      {"give", "gives", "gave", "given", "", "geben", "gibt", "gab", "gegeben", "", false, ditransitive, kPerson, kGoods},
      {"show", "shows", "showed", "shown", "", "zeigen", "zeigt", "zeigte", "gezeigt", "", false, ditransitive, kPerson, kGoods | kPlace},
      {"bring", "brings", "brought", "brought", "", "bringen", "bringt", "brachte", "gebracht", "", false, ditransitive, kPerson, kThing | kText | kFood},
      {"offer", "offers", "offered", "offered", "", "bieten", "bietet", "bot", "geboten", "an", false, ditransitive, kPerson, kFood | kThing},

      {"wait", "waits", "waited", "waited", "", "warten", "wartet", "wartete", "gewartet", "", false, prepositional, kAlive, kPerson, {"for", "auf", Case::accusative}},
      {"think", "thinks", "thought", "thought", "", "denken", "denkt", "dachte", "gedacht", "", false, prepositional, kPerson, kPerson | kPlace | kEvent, {"of", "an", Case::accusative}},
      {"play", "plays", "played", "played", "", "spielen", "spielt", "spielte", "gespielt", "", false, prepositional, kAlive, kAlive, {"with", "mit", Case::dative}},

      {"say", "says", "said", "said", "", "sagen", "sagt", "sagte", "gesagt", "", false, that_clause},
      {"believe", "believes", "believed", "believed", "", "glauben", "glaubt", "glaubte", "geglaubt", "", false, that_clause},
      {"know", "knows", "knew", "known", "", "wissen", "weiß", "wusste", "gewusst", "", false, that_clause, kPerson, 0, kNone, "weiß"},
      {"hope", "hopes", "hoped", "hoped", "", "hoffen", "hofft", "hoffte", "gehofft", "", false, that_clause},
      {"think", "thinks", "thought", "thought", "", "denken", "denkt", "dachte", "gedacht", "", false, that_clause},
      {"hear", "hears", "heard", "heard", "", "hören", "hört", "hörte", "gehört", "", false, that_clause},
      {"ask", "asks", "asked", "asked", "", "fragen", "fragt", "fragte", "gefragt", "", false, whether_clause},
      {"know", "knows", "knew", "known", "", "wissen", "weiß", "wusste", "gewusst", "", false, whether_clause, kPerson, 0, kNone, "weiß"},
      {"try", "tries", "tried", "tried", "", "versuchen", "versucht", "versuchte", "versucht", "", false, to_clause, kAlive},
      {"hope", "hopes", "hoped", "hoped", "", "hoffen", "hofft", "hoffte", "gehofft", "", false, to_clause},
      {"promise", "promises", "promised", "promised", "", "versprechen", "verspricht", "versprach", "versprochen", "", false, to_clause},
      {"begin", "begins", "began", "begun", "", "beginnen", "beginnt", "begann", "begonnen", "", false, to_clause, kAlive},
  };
  // clang-format on
  return rows;
}

}  // namespace heed::models
