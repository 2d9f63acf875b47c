#include "models/evaluation/grammar_failures.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "models/evaluation/word_pairs.h"
#include "models/grammar/demo_morphology.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

enum class FormKind {
  finite,
  verb,
  noun,
  determiner,
  adjective,
  pronoun
};  // verb: infinitives and participles

// What a word form may be.
struct Reading {
  FormKind part = FormKind::verb;
  std::string lemma;
  bool past = false;  // finite
  Gender gender = Gender::masculine;
  Number number = Number::singular;
  Case of_case = Case::nominative;
};

constexpr Gender kGenders[] = {Gender::masculine, Gender::feminine, Gender::neuter};
constexpr Number kNumbers[] = {Number::singular, Number::plural};
constexpr Case kCases[] = {Case::nominative, Case::accusative, Case::dative, Case::genitive};
constexpr Person kPersons[] = {Person::i, Person::you, Person::he, Person::she, Person::we, Person::they};

// Every form of the lexicon, in lower case.
class Forms {
 public:
  Forms() {
    add_verbs();
    add_nouns();
    add_determiners();
    add_adjectives();
    for (const Person person : kPersons) {
      for (const Case c : {Case::nominative, Case::accusative, Case::dative})
        add(german_pronoun(person, c),
            {.part = FormKind::pronoun, .lemma = std::to_string(static_cast<int>(person)), .of_case = c});
    }
    add_others();
  }
  const std::vector<Reading>& of(const std::string& word) const {
    static const std::vector<Reading> none;
    const auto found = readings_.find(to_lower(word));
    return found == readings_.end() ? none : found->second;
  }
  bool knows(const std::string& word) const { return !of(word).empty() || others_.contains(to_lower(word)); }

 private:
  void add(std::string_view form, Reading reading) {
    if (!form.empty()) readings_[to_lower(form)].push_back(std::move(reading));
  }
  void add_verbs() {
    constexpr Agreement kAgreements[] = {{true, false}, {false, false}, {false, true}};
    for (const bool past : {false, true}) {
      for (const Agreement agreement : kAgreements) {
        for (const Verb& verb : verbs()) {
          const std::string form = german_finite(verb, past, agreement), prefix(verb.prefix);
          add(form, {.part = FormKind::finite, .lemma = std::string(verb.infinitive), .past = past});
          if (!prefix.empty())
            add(prefix + form,
                {.part = FormKind::finite, .lemma = prefix + std::string(verb.infinitive), .past = past});
        }
        for (const auto& [auxiliary, lemma] :
             {std::pair(Auxiliary::sein, "sein"), std::pair(Auxiliary::haben, "haben"),
              std::pair(Auxiliary::werden, "werden")})
          add(german_auxiliary(auxiliary, past, agreement),
              {.part = FormKind::finite, .lemma = lemma, .past = past});
      }
    }
    for (const Modal& modal : modals()) {
      for (const std::string_view form : {modal.german_singular, modal.german_plural})
        add(form, {.part = FormKind::finite, .lemma = std::string(modal.german_plural), .past = modal.past});
      if (!modal.past)
        add(modal.german_plural, {.part = FormKind::verb, .lemma = std::string(modal.german_plural)});
    }
    for (const Verb& verb : verbs()) {
      const std::string prefix(verb.prefix), infinitive(verb.infinitive), participle(verb.german_participle);
      for (const std::string& form : {prefix + infinitive, prefix + participle})
        add(form, {.part = FormKind::verb, .lemma = prefix + infinitive});
      if (!prefix.empty())
        add(prefix + "zu" + infinitive, {.part = FormKind::verb, .lemma = prefix + infinitive});
      if (!prefix.empty()) others_.insert(prefix);
    }
    for (const char* form : {"werden", "worden", "haben", "sein"})
      add(form, {.part = FormKind::verb, .lemma = form});
  }
  void add_nouns() {
    for (const Number number : kNumbers) {
      for (const Case c : kCases) {
        for (const Noun& noun : nouns())
          add(german_noun(noun, number, c), {.part = FormKind::noun,
                                             .lemma = std::string(noun.german),
                                             .gender = noun.gender,
                                             .number = number,
                                             .of_case = c});
        for (const Compound& compound : compounds()) {
          const Noun &modifier = noun(compound.modifier), &head = noun(compound.head);
          add(german_compound(modifier, head, number, c),
              {.part = FormKind::noun,
               .lemma = german_compound(modifier, head, Number::singular, Case::nominative),
               .gender = head.gender,
               .number = number,
               .of_case = c});
        }
      }
    }
  }
  void add_determiners() {
    for (const Gender gender : kGenders) {
      for (const Number number : kNumbers) {
        for (const Case c : kCases) {
          const auto add_form = [&](const std::string& form, std::string_view stem) {
            add(form, {.part = FormKind::determiner,
                       .lemma = std::string(stem),
                       .gender = gender,
                       .number = number,
                       .of_case = c});
          };
          add_form(definite_article(gender, number, c), "der");
          if (number == Number::singular) add_form(ein_word("ein", gender, number, c), "ein");
          add_form(ein_word("kein", gender, number, c), "kein");
          for (const Person person : kPersons)
            add_form(ein_word(german_possessive(person), gender, number, c),
                     to_lower(german_possessive(person)));
          for (const char* stem : {"dies", "jed", "viel", "einig"})
            add_form(der_word(stem, gender, number, c), stem);
          others_.insert(to_lower(relative_pronoun(gender, number, c)));
        }
      }
    }
  }
  void add_adjectives() {
    for (const Adjective& adjective : adjectives()) {
      for (const std::string_view stem : {adjective.german, adjective.german_comparative}) {
        if (stem.empty()) continue;
        others_.insert(std::string(stem));
        for (const char* ending : {"e", "en", "er", "es", "em"}) {
          add(std::string(stem.back() == 'e' ? stem.substr(0, stem.size() - 1) : stem) + ending,
              {.part = FormKind::adjective, .lemma = std::string(stem)});
        }
      }
    }
  }
  void add_others() {
    for (const Adverb& adverb : adverbs()) others_.insert(std::string(adverb.german));
    for (const Preposition& preposition : prepositions()) {
      others_.insert(std::string(preposition.german));
      for (const char* article : {"dem", "das"}) others_.insert(contraction(preposition.german, article));
    }
    for (const Verb& verb : verbs()) others_.insert(std::string(verb.preposition.german));
    for (const Subordinator& one : subordinators()) {
      others_.insert(std::string(one.german));
      others_.insert(std::string(one.german_past));
    }
    for (const auto* names : {&masculine_names(), &feminine_names()}) {
      for (const std::string_view name : *names) {
        others_.insert(to_lower(name));
        others_.insert(to_lower(name) + "s");
      }
    }
    for (const char* word : {".",  ",",   "?",   "!",   "nicht", "zu",  "und",  "dass", "ob",   "um",
                             "es", "wer", "wem", "wen", "was",   "als", "zwei", "drei", "oder", "aber"})
      others_.insert(word);
  }

  std::unordered_map<std::string, std::vector<Reading>> readings_;
  std::unordered_set<std::string> others_;  // words that no rule inflects
};

const Forms& forms() {
  static const Forms all;
  return all;
}

std::vector<Reading> readings_as(const std::string& word, FormKind part) {
  std::vector<Reading> readings = forms().of(word);
  const auto may_be = [&](FormKind kind) {
    return std::ranges::any_of(readings, [&](const Reading& reading) { return reading.part == kind; });
  };
  if (may_be(FormKind::noun) && may_be(FormKind::adjective)) {  // Junge, junge
    const FormKind other = to_lower(word) == word ? FormKind::noun : FormKind::adjective;
    std::erase_if(readings, [&](const Reading& reading) { return reading.part == other; });
  }
  std::erase_if(readings, [&](const Reading& reading) { return reading.part != part; });
  return readings;
}
bool is(const std::string& word, FormKind part) { return !readings_as(word, part).empty(); }

// Whether two forms may be of one word, of the same number or tense where `same` asks for it.
bool any_pair(const std::vector<Reading>& a, const std::vector<Reading>& b,
              const std::function<bool(const Reading&, const Reading&)>& same) {
  return std::ranges::any_of(a, [&](const Reading& x) {
    return std::ranges::any_of(b, [&](const Reading& y) { return x.lemma == y.lemma && same(x, y); });
  });
}
bool any_form(const Reading& /*a*/, const Reading& /*b*/) { return true; }

bool is_boundary(const std::string& word) {
  return word == "," || word == "." || word == "?" || word == "!" || word == "und";
}
bool is_verb(const std::string& word) { return is(word, FormKind::finite) || is(word, FormKind::verb); }

// Whether a verb closes its clause, alone or with other verbs behind it.
bool closes_clause(const std::vector<std::string>& words, size_t at) {
  for (++at; at < words.size() && !is_boundary(words[at]); ++at) {
    if (!is_verb(words[at])) return false;
  }
  return true;
}

// Whether a word is the only one of its clause that may be finite; an infinitive looks like a plural.
bool alone_finite(const std::vector<std::string>& words, size_t at) {
  size_t begin = at, end = at + 1;
  while (begin > 0 && !is_boundary(words[begin - 1])) --begin;
  while (end < words.size() && !is_boundary(words[end])) ++end;
  return std::count_if(words.begin() + static_cast<std::ptrdiff_t>(begin),
                       words.begin() + static_cast<std::ptrdiff_t>(end),
                       [](const std::string& word) { return is(word, FormKind::finite); }) == 1;
}

// The noun that a determiner belongs to: behind it and its adjectives; the size where there is none.
size_t noun_behind(const std::vector<std::string>& words, size_t at) {
  for (++at; at < words.size() && is(words[at], FormKind::adjective); ++at) {
  }
  return at < words.size() && is(words[at], FormKind::noun) ? at : words.size();
}

std::string instead(const std::string& right, const std::string& wrong) { return wrong + " for " + right; }

}  // namespace

GrammarFailures::GrammarFailures(FailureCounter& counter)
    : counter_(counter),
      agreement_(counter.kind("grammar", "agreement of the verb", "finite verbs")),
      case_(counter.kind("grammar", "case", "articles, pronouns and nouns with cases")),
      gender_(counter.kind("grammar", "gender", "articles of nouns in the singular")),
      adjective_(counter.kind("grammar", "ending of the adjective", "inflected adjectives")),
      position_(counter.kind("grammar", "position of the verb", "verbs that both have once")),
      pronoun_(counter.kind("grammar", "gender of the pronoun", "er, sie, es and ihn, sie, es")) {}

void GrammarFailures::add_determiner(size_t sentence, const std::vector<std::string>& reference,
                                     const std::vector<std::string>& output,
                                     const std::vector<int>& output_of, size_t at) {
  const std::string &right = reference[at], &written = output[static_cast<size_t>(output_of[at])];
  const size_t noun = noun_behind(reference, at);
  if (noun == reference.size() || output_of[noun] < 0) return;
  const std::string& written_noun = output[static_cast<size_t>(output_of[noun])];
  const std::vector<Reading> determiners = readings_as(right, FormKind::determiner),
                             others = readings_as(written, FormKind::determiner),
                             nouns = readings_as(reference[noun], FormKind::noun),
                             written_nouns = readings_as(written_noun, FormKind::noun);
  if (!any_pair(determiners, others, any_form)) return;
  // The number that article and noun agree in; the output's noun has to have it as well. Where both would do
  // ("der Lehrer"), it is the singular: the other is a genitive plural.
  const auto agree = [](const Reading& d, const Reading& n) {
    return d.number == n.number && d.of_case == n.of_case &&
           (d.number == Number::plural || d.gender == n.gender);
  };
  const Reading* agreed = nullptr;
  for (const Reading& n : nouns) {
    const bool better = !agreed || (agreed->number == Number::plural && n.number == Number::singular);
    if (better && std::ranges::any_of(determiners, [&](const Reading& d) { return agree(d, n); }))
      agreed = &n;
  }
  if (!agreed || !any_pair({*agreed}, written_nouns,
                           [](const Reading& a, const Reading& b) { return a.number == b.number; }))
    return;
  // "die Lehrer" for "der Lehrer" is another number, and neither case nor gender is wrong
  const auto agrees_in = [&](bool same) {
    return std::ranges::any_of(others, [&](const Reading& d) {
      return (d.number == agreed->number) == same &&
             std::ranges::any_of(written_nouns, [&](const Reading& n) { return agree(d, n); });
    });
  };
  if (agrees_in(false) && !agrees_in(true)) return;
  const bool fits = std::ranges::any_of(others, [&](const Reading& d) {
    return d.number == agreed->number && (d.number == Number::plural || d.gender == agreed->gender);
  });
  const bool wrong = to_lower(right) != to_lower(written);
  const std::string what = instead(right + " " + reference[noun], written + " " + written_noun);
  if (fits) counter_.count(case_, sentence, wrong, what);
  if (agreed->number == Number::singular) counter_.count(gender_, sentence, !fits, what);
}

// Where reference and output have one pronoun of the third person each, of the same case.
void GrammarFailures::add_pronoun(size_t sentence, const std::vector<std::string>& reference,
                                  const std::vector<std::string>& output) {
  for (const std::string_view alike : {"er sie es", "ihn sie es"}) {
    const std::vector<std::string_view> forms = split_whitespace(alike);
    const auto is_form = [&](const std::string& word) {
      return std::ranges::find(forms, to_lower(word)) != forms.end();
    };
    if (std::ranges::count_if(reference, is_form) != 1 || std::ranges::count_if(output, is_form) != 1)
      continue;
    const std::string &right = *std::ranges::find_if(reference, is_form),
                      &written = *std::ranges::find_if(output, is_form);
    counter_.count(pronoun_, sentence, to_lower(right) != to_lower(written), instead(right, written));
    return;
  }
}

void GrammarFailures::add(size_t sentence, const std::vector<std::string>& reference,
                          const std::vector<std::string>& output) {
  add_pronoun(sentence, reference, output);
  std::vector<int> output_of(reference.size(), -1);
  for (const auto& [i, j] : word_pairs(reference, output)) output_of[i] = static_cast<int>(j);
  for (size_t i = 0; i < reference.size(); ++i) {
    const std::string& right = reference[i];
    if (is_verb(right) && std::ranges::count(reference, right) == 1 &&
        std::ranges::count(output, right) == 1) {
      const auto at = static_cast<size_t>(std::ranges::find(output, right) - output.begin());
      counter_.count(position_, sentence, closes_clause(reference, i) != closes_clause(output, at), right);
    }
    if (output_of[i] < 0) continue;
    const std::string& written = output[static_cast<size_t>(output_of[i])];
    const bool wrong = to_lower(right) != to_lower(written);
    const std::string what = instead(right, written);
    const auto both = [&](FormKind part, bool (*same)(const Reading&, const Reading&)) {
      return any_pair(readings_as(right, part), readings_as(written, part), same);
    };
    if (both(FormKind::finite, [](const Reading& a, const Reading& b) { return a.past == b.past; }) &&
        (!is(right, FormKind::verb) || alone_finite(reference, i)))
      counter_.count(agreement_, sentence, wrong, what);
    if (both(FormKind::adjective, any_form)) counter_.count(adjective_, sentence, wrong, what);
    const bool before_noun = noun_behind(reference, i) < reference.size();
    const bool relative = i > 0 && reference[i - 1] == ",";
    if (is(right, FormKind::determiner) && before_noun && !relative)
      add_determiner(sentence, reference, output, output_of, i);
    else if (!before_noun && both(FormKind::pronoun, any_form))
      counter_.count(case_, sentence, wrong, what);
    if (both(FormKind::noun, [](const Reading& a, const Reading& b) { return a.number == b.number; }))
      counter_.count(case_, sentence, wrong, what);
  }
}

bool is_built_in_german(const std::vector<std::vector<std::string>>& sentences) {
  constexpr double kNearlyAll = 0.98;
  int64_t known = 0, all = 0;
  for (const std::vector<std::string>& words : sentences) {
    for (const std::string& word : words) {
      known += forms().knows(word) ? 1 : 0;
      ++all;
    }
  }
  return all > 0 && static_cast<double>(known) >= kNearlyAll * static_cast<double>(all);
}

}  // namespace heed::models
