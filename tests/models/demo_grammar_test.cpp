// Worked examples: trees built by hand, the exact German, and the exact links.
#include "models/grammar/demo_grammar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace heed::models {
namespace {

NounPhrase the(std::string_view english, Determiner determiner = Determiner::the) {
  NounPhrase phrase;
  phrase.head = &noun(english);
  phrase.determiner = determiner;
  return phrase;
}
NounPhrase a(std::string_view english) { return the(english, Determiner::a); }
NounPhrase pronoun(Person person) {
  NounPhrase phrase;
  phrase.kind = NounPhrase::Kind::pronoun;
  phrase.person = person;
  return phrase;
}
NounPhrase relative() {
  NounPhrase phrase;
  phrase.kind = NounPhrase::Kind::relative;
  return phrase;
}
Clause clause(const NounPhrase& subject, const Verb& verb, Tense tense = Tense::present) {
  Clause c;
  c.subject = part(subject);
  c.verb = &verb;
  c.tense = tense;
  return c;
}
Clause clause(const NounPhrase& subject, const Verb& verb, Tense tense, const NounPhrase& object) {
  Clause c = clause(subject, verb, tense);
  c.object = part(object);
  return c;
}
const Verb& transitive(std::string_view english) { return verb(english, Frame::transitive); }

std::string text(const std::vector<std::string>& tokens) { return fmt::format("{}", fmt::join(tokens, " ")); }
std::string links(const std::vector<AlignmentLink>& all) {
  std::string out;
  for (const auto& [source, target] : all)
    out += fmt::format("{}{}-{}", out.empty() ? "" : " ", source, target);
  return out;
}
void expect(const Clause& c, std::string_view source, std::string_view target, std::string_view sure,
            std::string_view possible = "", Mood mood = Mood::statement) {
  const AlignedPair pair = spell({c, mood});
  EXPECT_EQ(text(pair.source), source);
  EXPECT_EQ(text(pair.target), target);
  EXPECT_EQ(links(pair.sure), sure) << target;
  EXPECT_EQ(links(pair.possible), possible) << target;
}

TEST(DemoGrammar, Copula) {
  expect(clause(pronoun(Person::i), verb("be", Frame::copula), Tense::present, a("student")),
         "I am a student .", "Ich bin ein Student .", "0-0 1-1 2-2 3-3 4-4");
}

TEST(DemoGrammar, WeakNounAndDativeObject) {
  expect(clause(the("teacher"), verb("help", Frame::dative), Tense::present, the("student")),
         "The teacher helps the student .", "Der Lehrer hilft dem Studenten .", "0-0 1-1 2-2 3-3 4-4 5-5");
}

TEST(DemoGrammar, SeparableVerbInAMainClause) {
  expect(clause(the("man"), transitive("open"), Tense::present, the("door")), "The man opens the door .",
         "Der Mann macht die Tür auf .", "0-0 1-1 2-2 2-5 3-3 4-4 5-6");
}

TEST(DemoGrammar, SeparableVerbInASubordinateClause) {
  Clause c = clause(the("woman"), verb("laugh", Frame::intransitive));
  c.last_subordinator = &subordinator("because");
  c.last_clause = part(clause(the("man"), transitive("open"), Tense::present, the("door")));
  expect(c, "The woman laughs because the man opens the door .",
         "Die Frau lacht , weil der Mann die Tür aufmacht .", "0-0 1-1 2-2 3-4 4-5 5-6 6-9 7-7 8-8 9-10",
         "3-3");
}

TEST(DemoGrammar, SeparableVerbWithZu) {
  Clause inner;
  inner.verb = &transitive("invite");
  inner.object = part(pronoun(Person::she));
  Clause c = clause(pronoun(Person::he), verb("try", Frame::to_clause), Tense::past);
  c.content = part(inner);
  expect(c, "He tried to invite her .", "Er versuchte , sie einzuladen .", "0-0 1-1 3-4 4-3 5-5", "2-2 2-4");
}

TEST(DemoGrammar, VerbWithAnEnglishParticle) {
  Clause c = clause(pronoun(Person::we), verb("get", Frame::intransitive));
  c.first_adverb = &adverb("now");
  expect(c, "Now we get up .", "Jetzt stehen wir auf .", "0-0 1-2 2-1 3-3 4-4");
}

TEST(DemoGrammar, PerfectClosesTheBracket) {
  Clause c = clause(pronoun(Person::she), transitive("see"), Tense::perfect, the("dog"));
  expect(c, "She has seen the dog .", "Sie hat den Hund gesehen .", "0-0 1-1 2-4 3-2 4-3 5-5");
  Clause go = clause(pronoun(Person::they), verb("go", Frame::motion), Tense::perfect);
  go.complement = part(PrepositionalPhrase{preposition("into"), the("house")});
  expect(go, "They have gone into the house .", "Sie sind ins Haus gegangen .", "0-0 1-1 2-4 3-2 5-3 6-5",
         "4-2");
}

TEST(DemoGrammar, ModalAndCompound) {
  NounPhrase table = the("table");
  table.modifier = &noun("kitchen");
  Clause c = clause(pronoun(Person::i), transitive("wash"), Tense::present, table);
  c.modal = &modal("must");
  expect(c, "I must wash the kitchen table .", "Ich muss den Küchentisch waschen .",
         "0-0 1-1 2-4 3-2 4-3 5-3 6-5");
}

TEST(DemoGrammar, CannotMeansTwoGermanWords) {
  Clause c = clause(the("cat"), verb("swim", Frame::intransitive));
  c.modal = &modal("can");
  c.negated = true;
  expect(c, "The cat cannot swim .", "Die Katze kann nicht schwimmen .", "0-0 1-1 2-2 2-3 3-4 4-5");
}

TEST(DemoGrammar, WantIsAModalInGermanOnly) {
  Clause c = clause(the("boy"), verb("sleep", Frame::intransitive));
  c.modal = &modal("want");
  c.negated = true;
  expect(c, "The boy does not want to sleep .", "Der Junge will nicht schlafen .", "0-0 1-1 3-3 4-2 6-4 7-5",
         "2-2 5-4");
}

TEST(DemoGrammar, Passive) {
  Clause c = clause(the("letter"), transitive("write"), Tense::past, the("teacher"));
  c.passive = true;
  expect(c, "The letter was written by the teacher .", "Der Brief wurde vom Lehrer geschrieben .",
         "0-0 1-1 2-2 3-5 4-3 6-4 7-6", "5-3");
  c.tense = Tense::perfect;
  c.object = nullptr;
  expect(c, "The letter has been written .", "Der Brief ist geschrieben worden .", "0-0 1-1 2-2 3-4 4-3 5-5");
}

TEST(DemoGrammar, InversionAfterAnAdverb) {
  NounPhrase house = the("house");
  house.adjectives = {&adjective("old")};
  Clause c = clause(the("king"), transitive("see"), Tense::past, house);
  c.first_adverb = &adverb("yesterday");
  expect(c, "Yesterday the king saw the old house .", "Gestern sah der König das alte Haus .",
         "0-0 1-2 2-3 3-1 4-4 5-5 6-6 7-7");
}

TEST(DemoGrammar, InversionAfterAClause) {
  Clause c = clause(the("mother"), verb("sing", Frame::intransitive), Tense::past);
  c.first_subordinator = &subordinator("when");
  c.first_clause = part(clause(the("child"), verb("arrive", Frame::intransitive), Tense::past));
  expect(c, "When the child arrived , the mother sang .", "Als das Kind ankam , sang die Mutter .",
         "0-0 1-1 2-2 3-3 4-4 5-6 6-7 7-5 8-8", "0-4");
}

TEST(DemoGrammar, RelativeClauses) {
  NounPhrase man = the("man");
  man.relative = part([&] {
    Clause c = clause(the("woman"), transitive("know"));
    c.object = part(relative());
    c.opener = Opener::object;
    return c;
  }());
  expect(clause(man, verb("laugh", Frame::intransitive)), "The man whom the woman knows laughs .",
         "Der Mann , den die Frau kennt , lacht .", "0-0 1-1 2-3 3-4 4-5 5-6 6-8 7-9", "2-2 2-7");

  NounPhrase city = the("city");
  city.relative = part([&] {
    Clause c = clause(pronoun(Person::we), verb("live", Frame::place));
    c.complement = part(PrepositionalPhrase{preposition("in"), relative()});
    c.opener = Opener::complement;
    return c;
  }());
  expect(clause(pronoun(Person::he), transitive("love"), Tense::perfect, city),
         "He has loved the city in which we live .", "Er hat die Stadt , in der wir wohnen , geliebt .",
         "0-0 1-1 2-10 3-2 4-3 5-5 6-6 7-7 8-8 9-11", "6-4 6-9");

  NounPhrase child = a("child");
  child.relative = part([&] {
    Clause c = clause(the("dog", Determiner::whose), verb("sleep", Frame::intransitive));
    c.opener = Opener::subject;
    return c;
  }());
  expect(clause(pronoun(Person::i), transitive("see"), Tense::present, child),
         "I see a child whose dog sleeps .", "Ich sehe ein Kind , dessen Hund schläft .",
         "0-0 1-1 2-2 3-3 4-5 5-6 6-7 7-8", "4-4");
}

TEST(DemoGrammar, DitransitiveWithFamilyAndNegation) {
  Clause c = clause(the("father"), verb("give", Frame::ditransitive), Tense::past, the("book"));
  c.indirect = part(the("child"));
  c.negated = true;
  expect(c, "The father did not give the child the book .", "Der Vater gab dem Kind das Buch nicht .",
         "0-0 1-1 3-7 4-2 5-3 6-4 7-5 8-6 9-8", "2-2");
}

TEST(DemoGrammar, Questions) {
  Clause c = clause(the("girl"), transitive("buy"), Tense::present, a("hat"));
  expect(c, "Does the girl buy a hat ?", "Kauft das Mädchen einen Hut ?", "1-1 2-2 3-0 4-3 5-4 6-5", "0-0",
         Mood::yes_no_question);
  NounPhrase what;
  what.kind = NounPhrase::Kind::question;
  c.object = part(what);
  c.opener = Opener::object;
  expect(c, "What does the girl buy ?", "Was kauft das Mädchen ?", "0-0 2-2 3-3 4-1 5-4", "1-1",
         Mood::wh_question);
}

TEST(DemoGrammar, PurposeAndExistence) {
  Clause buy;
  buy.verb = &transitive("buy");
  buy.object = part(a("cake"));
  Clause c = clause(the("queen"), verb("go", Frame::motion));
  c.complement = part(PrepositionalPhrase{preposition("into"), the("city")});
  c.purpose = part(buy);
  expect(c, "The queen goes into the city to buy a cake .",
         "Die Königin geht in die Stadt , um einen Kuchen zu kaufen .",
         "0-0 1-1 2-2 3-3 4-4 5-5 6-10 7-11 8-8 9-9 10-12", "6-6 6-7");

  Clause there;
  there.verb = &verb("be", Frame::existential);
  there.object = part(a("bear"));
  there.adjunct = part(PrepositionalPhrase{preposition("in"), the("garden")});
  expect(there, "There is a bear in the garden .", "Es gibt einen Bären im Garten .",
         "0-0 1-1 2-2 3-3 4-4 6-5 7-6", "5-4");
}

TEST(DemoGrammar, LongRelativeClauseGoesBehindTheVerb) {
  NounPhrase man = the("man");
  man.relative = part([&] {
    Clause c = clause(relative(), verb("say", Frame::that_clause));
    c.opener = Opener::subject;
    c.content = part(clause(the("child"), verb("sleep", Frame::intransitive)));
    return c;
  }());
  const AlignedPair pair = spell({clause(pronoun(Person::she), transitive("hear"), Tense::perfect, man)});
  EXPECT_EQ(text(pair.source), "She has heard the man who says that the child sleeps .");
  EXPECT_EQ(text(pair.target), "Sie hat den Mann gehört , der sagt , dass das Kind schläft .");

  // a prefix does not wait behind a clause, a participle may wait behind a short one
  NounPhrase door = the("door");
  door.relative = part([&] {
    Clause c = clause(the("boy"), transitive("paint"), Tense::past);
    c.object = part(relative());
    c.opener = Opener::object;
    return c;
  }());
  EXPECT_EQ(text(spell({clause(pronoun(Person::he), transitive("open"), Tense::present, door)}).target),
            "Er macht die Tür auf , die der Junge malte .");
  EXPECT_EQ(text(spell({clause(pronoun(Person::he), transitive("open"), Tense::perfect, door)}).target),
            "Er hat die Tür , die der Junge malte , aufgemacht .");
}

TEST(DemoGrammar, GenitiveAndOwner) {
  NounPhrase brother = the("brother"), friends = the("friend", Determiner::owner);
  friends.name = "Anna";
  brother.genitive = part(the("neighbour"));
  expect(clause(brother, transitive("visit"), Tense::future, friends),
         "The brother of the neighbour will visit Anna 's friend .",
         "Der Bruder des Nachbarn wird Annas Freund besuchen .", "0-0 1-1 3-2 4-3 5-4 6-7 7-5 9-6 10-8",
         "2-2 8-5");
}

}  // namespace
}  // namespace heed::models
