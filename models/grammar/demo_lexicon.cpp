#include "models/grammar/demo_lexicon.h"

#include <fmt/format.h>

#include "framework/core/error.h"

namespace heed::models {
namespace {

template <class Row, class Match>
const Row& find(const std::vector<Row>& rows, std::string_view english, Match match) {
  for (const Row& row : rows) {
    if (match(row)) return row;
  }
  throw ValueError(fmt::format("demo lexicon: no such word: '{}'", english));
}

}  // namespace

const std::vector<Noun>& nouns() {
  using enum Gender;
  // clang-format off
  static const std::vector<Noun> rows = {
      {"man", "men", "Mann", masculine, "Männer", "Mannes", kPerson},
      {"woman", "women", "Frau", feminine, "Frauen", "Frau", kPerson},
      {"child", "children", "Kind", neuter, "Kinder", "Kindes", kPerson},
      {"boy", "boys", "Junge", masculine, "Jungen", "Jungen", kPerson, true},
      {"girl", "girls", "Mädchen", neuter, "Mädchen", "Mädchens", kPerson},
      {"teacher", "teachers", "Lehrer", masculine, "Lehrer", "Lehrers", kPerson},
      {"student", "students", "Student", masculine, "Studenten", "Studenten", kPerson, true},
      {"doctor", "doctors", "Arzt", masculine, "Ärzte", "Arztes", kPerson},
      {"neighbour", "neighbours", "Nachbar", masculine, "Nachbarn", "Nachbarn", kPerson, true},
      {"farmer", "farmers", "Bauer", masculine, "Bauern", "Bauern", kPerson, true},
      {"painter", "painters", "Maler", masculine, "Maler", "Malers", kPerson},
      {"king", "kings", "König", masculine, "Könige", "Königs", kPerson},
      {"queen", "queens", "Königin", feminine, "Königinnen", "Königin", kPerson},
      {"friend", "friends", "Freund", masculine, "Freunde", "Freundes", kPerson},
      {"brother", "brothers", "Bruder", masculine, "Brüder", "Bruders", kPerson},
      {"sister", "sisters", "Schwester", feminine, "Schwestern", "Schwester", kPerson},
      {"father", "fathers", "Vater", masculine, "Väter", "Vaters", kPerson},
      {"mother", "mothers", "Mutter", feminine, "Mütter", "Mutter", kPerson},
      {"daughter", "daughters", "Tochter", feminine, "Töchter", "Tochter", kPerson},
      {"aunt", "aunts", "Tante", feminine, "Tanten", "Tante", kPerson},
      {"guest", "guests", "Gast", masculine, "Gäste", "Gastes", kPerson},
      {"singer", "singers", "Sängerin", feminine, "Sängerinnen", "Sängerin", kPerson},

      {"dog", "dogs", "Hund", masculine, "Hunde", "Hundes", kAnimal},
      {"cat", "cats", "Katze", feminine, "Katzen", "Katze", kAnimal},
      {"horse", "horses", "Pferd", neuter, "Pferde", "Pferdes", kAnimal},
      {"bird", "birds", "Vogel", masculine, "Vögel", "Vogels", kAnimal},
      {"cow", "cows", "Kuh", feminine, "Kühe", "Kuh", kAnimal},
      {"bear", "bears", "Bär", masculine, "Bären", "Bären", kAnimal, true},

      {"book", "books", "Buch", neuter, "Bücher", "Buches", kText, false, "Buch"},
      {"letter", "letters", "Brief", masculine, "Briefe", "Briefes", kText},
      {"newspaper", "newspapers", "Zeitung", feminine, "Zeitungen", "Zeitung", kText, false, "Zeitungs"},
      {"story", "stories", "Geschichte", feminine, "Geschichten", "Geschichte", kText},
      {"report", "reports", "Bericht", masculine, "Berichte", "Berichts", kText},

      {"table", "tables", "Tisch", masculine, "Tische", "Tisches", kThing | kSurface},
      {"chair", "chairs", "Stuhl", masculine, "Stühle", "Stuhls", kThing | kSurface},
      {"lamp", "lamps", "Lampe", feminine, "Lampen", "Lampe", kThing},
      {"door", "doors", "Tür", feminine, "Türen", "Tür", kDoor},
      {"window", "windows", "Fenster", neuter, "Fenster", "Fensters", kDoor},
      {"box", "boxes", "Kiste", feminine, "Kisten", "Kiste", kThing | kContainer},
      {"bag", "bags", "Tasche", feminine, "Taschen", "Tasche", kThing | kContainer},
      {"suitcase", "suitcases", "Koffer", masculine, "Koffer", "Koffers", kThing | kContainer},
      {"key", "keys", "Schlüssel", masculine, "Schlüssel", "Schlüssels", kThing},
      {"picture", "pictures", "Bild", neuter, "Bilder", "Bildes", kThing},
      {"knife", "knives", "Messer", neuter, "Messer", "Messers", kThing},
      {"flower", "flowers", "Blume", feminine, "Blumen", "Blume", kThing, false, "Blumen"},
      {"coat", "coats", "Mantel", masculine, "Mäntel", "Mantels", kThing | kClothes},
      {"hat", "hats", "Hut", masculine, "Hüte", "Hutes", kThing | kClothes},
      {"shirt", "shirts", "Hemd", neuter, "Hemden", "Hemdes", kThing | kClothes},

      {"car", "cars", "Auto", neuter, "Autos", "Autos", kVehicle, false, "Auto"},
      {"bicycle", "bicycles", "Fahrrad", neuter, "Fahrräder", "Fahrrads", kVehicle},
      {"bus", "buses", "Bus", masculine, "Busse", "Busses", kVehicle},

      {"apple", "apples", "Apfel", masculine, "Äpfel", "Apfels", kFood, false, "Apfel"},
      {"cake", "cakes", "Kuchen", masculine, "Kuchen", "Kuchens", kFood},
      {"soup", "soups", "Suppe", feminine, "Suppen", "Suppe", kFood},
      {"tomato", "tomatoes", "Tomate", feminine, "Tomaten", "Tomate", kFood, false, "Tomaten"},
      {"potato", "potatoes", "Kartoffel", feminine, "Kartoffeln", "Kartoffel", kFood, false, "Kartoffel"},

      {"house", "houses", "Haus", neuter, "Häuser", "Hauses", kPlace | kBuilding, false, "Haus"},
      {"garden", "gardens", "Garten", masculine, "Gärten", "Gartens", kPlace, false, "Garten"},
      {"city", "cities", "Stadt", feminine, "Städte", "Stadt", kPlace | kTown, false, "Stadt"},
      {"village", "villages", "Dorf", neuter, "Dörfer", "Dorfes", kPlace | kTown, false, "Dorf"},
      {"school", "schools", "Schule", feminine, "Schulen", "Schule", kPlace | kBuilding, false, "Schul"},
      {"kitchen", "kitchens", "Küche", feminine, "Küchen", "Küche", kPlace, false, "Küchen"},
      {"forest", "forests", "Wald", masculine, "Wälder", "Waldes", kPlace},
      {"park", "parks", "Park", masculine, "Parks", "Parks", kPlace},
      {"church", "churches", "Kirche", feminine, "Kirchen", "Kirche", kPlace | kBuilding, false, "Kirchen"},
      {"museum", "museums", "Museum", neuter, "Museen", "Museums", kPlace | kBuilding, false, "Museums"},
      {"hotel", "hotels", "Hotel", neuter, "Hotels", "Hotels", kPlace | kBuilding, false, "Hotel"},
      {"castle", "castles", "Schloss", neuter, "Schlösser", "Schlosses", kPlace | kBuilding, false, "Schloss"},
      {"office", "offices", "Büro", neuter, "Büros", "Büros", kPlace, false, "Büro"},
      {"room", "rooms", "Zimmer", neuter, "Zimmer", "Zimmers", kPlace},
      {"shop", "shops", "Laden", masculine, "Läden", "Ladens", kPlace | kBuilding},

      {"storm", "storms", "Sturm", masculine, "Stürme", "Sturms", kEvent},
      {"party", "parties", "Feier", feminine, "Feiern", "Feier", kEvent | kFeast},
      {"concert", "concerts", "Konzert", neuter, "Konzerte", "Konzerts", kEvent | kFeast},
      {"wedding", "weddings", "Hochzeit", feminine, "Hochzeiten", "Hochzeit", kEvent | kFeast},
  };
  // clang-format on
  return rows;
}

const std::vector<Compound>& compounds() {
  // clang-format off
  static const std::vector<Compound> rows = {
      {"kitchen", "table"}, {"kitchen", "door"}, {"kitchen", "window"}, {"kitchen", "knife"}, {"kitchen", "lamp"},
      {"school", "teacher"}, {"school", "book"}, {"school", "bag"}, {"school", "bus"}, {"garden", "table"},
      {"garden", "chair"}, {"house", "key"}, {"office", "chair"}, {"hotel", "room"}, {"hotel", "guest"},
      {"village", "school"}, {"village", "church"}, {"village", "doctor"}, {"city", "park"}, {"castle", "garden"},
      {"apple", "cake"}, {"tomato", "soup"}, {"potato", "soup"}, {"newspaper", "report"}, {"car", "key"},
      {"flower", "shop"}, {"book", "shop"}, {"museum", "shop"},
  };
  // clang-format on
  return rows;
}

const std::vector<Adjective>& adjectives() {
  constexpr Classes kObject = kThing | kText | kVehicle;
  constexpr Classes kColoured = kThing | kVehicle | kDoor;
  static const std::vector<Adjective> rows = {
      {"old", "older", "alt", "älter", kPerson | kAnimal | kObject | kPlace | kDoor},
      {"young", "younger", "jung", "jünger", kPerson | kAnimal},
      {"big", "bigger", "groß", "größer", kAnimal | kThing | kVehicle | kPlace | kFood | kDoor},
      {"small", "smaller", "klein", "kleiner",
       kPerson | kAnimal | kThing | kVehicle | kPlace | kFood | kDoor},
      {"new", "newer", "neu", "neuer", kObject | kDoor},
      {"beautiful", "", "schön", "schöner", kPerson | kAnimal | kThing | kPlace | kText | kEvent},
      {"red", "", "rot", "", kColoured},
      {"white", "", "weiß", "", kColoured | kAnimal},
      {"black", "", "schwarz", "", kColoured | kAnimal},
      {"friendly", "friendlier", "freundlich", "freundlicher", kPerson},
      {"happy", "happier", "glücklich", "glücklicher", kPerson},
      {"sad", "sadder", "traurig", "trauriger", kPerson | kText},
      {"clever", "cleverer", "klug", "klüger", kPerson | kAnimal},
      {"poor", "poorer", "arm", "ärmer", kPerson},
      {"famous", "", "berühmt", "berühmter", kPerson | kText | kPlace},
      {"hungry", "hungrier", "hungrig", "hungriger", kPerson | kAnimal},
      {"tired", "", "müde", "", kPerson | kAnimal},
      {"long", "longer", "lang", "länger", kText | kEvent},
      {"short", "shorter", "kurz", "kürzer", kText | kEvent},
      {"cold", "colder", "kalt", "kälter", kFood},
      {"warm", "warmer", "warm", "wärmer", kFood},
  };
  return rows;
}

const std::vector<Adverb>& adverbs() {
  using enum AdverbKind;
  static const std::vector<Adverb> rows = {
      {"today", "heute", front, TimeOf::any},           {"yesterday", "gestern", front, TimeOf::past},
      {"tomorrow", "morgen", front, TimeOf::future},    {"soon", "bald", front, TimeOf::future},
      {"now", "jetzt", front, TimeOf::present},         {"perhaps", "vielleicht", front, TimeOf::any},
      {"suddenly", "plötzlich", front, TimeOf::past},   {"unfortunately", "leider", front, TimeOf::any},
      {"often", "oft", frequency, TimeOf::any},         {"always", "immer", frequency, TimeOf::any},
      {"never", "nie", frequency, TimeOf::any},         {"sometimes", "manchmal", frequency, TimeOf::any},
      {"quickly", "schnell", manner, TimeOf::any},      {"quietly", "leise", manner, TimeOf::any},
      {"carefully", "vorsichtig", manner, TimeOf::any}, {"secretly", "heimlich", manner, TimeOf::any},
      {"alone", "allein", manner, TimeOf::any},         {"where", "wo", question, TimeOf::any},
      {"why", "warum", question, TimeOf::any},          {"when", "wann", question, TimeOf::any},
  };
  return rows;
}

const std::vector<Preposition>& prepositions() {
  using enum Case;
  static const std::vector<Preposition> rows = {
      {"in", "in", dative},           {"into", "in", accusative},
      {"with", "mit", dative},        {"without", "ohne", accusative},
      {"for", "für", accusative},     {"on", "auf", dative},
      {"under", "unter", dative},     {"behind", "hinter", dative},
      {"beside", "neben", dative},    {"from", "aus", dative},
      {"about", "über", accusative},  {"after", "nach", dative},
      {"before", "vor", dative},      {"during", "während", genitive},
      {"despite", "trotz", genitive}, {"by", "von", dative},
  };
  return rows;
}

const std::vector<Modal>& modals() {
  static const std::vector<Modal> rows = {
      // "must not" is "darf nicht"
      {"can", "can", "kann", "können"},          {"must", "must", "muss", "müssen", false, false, false},
      {"should", "should", "soll", "sollen"},    {"may", "may", "darf", "dürfen"},
      {"want", "wants", "will", "wollen", true}, {"could", "could", "konnte", "konnten", false, true},
  };
  return rows;
}

const std::vector<Subordinator>& subordinators() {
  using Time = Subordinator::Time;
  static const std::vector<Subordinator> rows = {
      {{"because"}, "weil", "weil", Time::any},
      {{"although"}, "obwohl", "obwohl", Time::any},
      {{"when"}, "wenn", "als", Time::plain},
      {{"if"}, "wenn", "", Time::plain},
      {{"while"}, "während", "während", Time::plain},
      {{"before"}, "bevor", "bevor", Time::plain},
      {{"until"}, "bis", "bis", Time::plain, false},
      {{"after"}, "nachdem", "nachdem", Time::completed},
      {{"so", "that"}, "damit", "damit", Time::ability, false},
  };
  return rows;
}

const std::vector<std::string_view>& masculine_names() {
  static const std::vector<std::string_view> rows = {"Peter", "Paul", "Karl", "Martin", "Otto"};
  return rows;
}
const std::vector<std::string_view>& feminine_names() {
  static const std::vector<std::string_view> rows = {"Anna", "Maria", "Lena", "Julia", "Clara"};
  return rows;
}

const Noun& noun(std::string_view english) {
  return find(nouns(), english, [&](const Noun& row) { return row.english == english; });
}
const Adjective& adjective(std::string_view english) {
  return find(adjectives(), english, [&](const Adjective& row) { return row.english == english; });
}
const Adverb& adverb(std::string_view english) {
  return find(adverbs(), english, [&](const Adverb& row) { return row.english == english; });
}
const Preposition& preposition(std::string_view english) {
  return find(prepositions(), english, [&](const Preposition& row) { return row.english == english; });
}
const Verb& verb(std::string_view english, Frame frame) {
  return find(verbs(), english, [&](const Verb& row) { return row.base == english && row.frame == frame; });
}
const Modal& modal(std::string_view english) {
  return find(modals(), english, [&](const Modal& row) { return row.english == english; });
}
const Subordinator& subordinator(std::string_view first_english_word) {
  return find(subordinators(), first_english_word,
              [&](const Subordinator& row) { return row.english.front() == first_english_word; });
}

}  // namespace heed::models
