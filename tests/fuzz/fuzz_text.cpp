// What happens to the lines of any text: cut into tokens and sentences, put together again, judged for a
// corpus.
#include "models/corpus/clean.h"
#include "models/text/lines.h"
#include "models/text/sentences.h"
#include "models/text/tokenizer.h"
#include "models/text/unicode.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::text {

void read(std::string_view bytes) {
  using namespace models;
  const std::vector<std::string> lines = split_lines(bytes, "text");
  Cleaner cleaner({}, "en", "zh");
  for (const std::string& line : lines) {
    looks_tokenised(line);
    terminal_columns(line);
    for (const Tokenizer tokenizer :
         {Tokenizer::words, Tokenizer::none, Tokenizer::whitespace, Tokenizer::characters}) {
      const TextSettings settings{
          .tokenizer = tokenizer, .lowercase = tokenizer == Tokenizer::words, .language = "fr"};
      std::vector<std::string> tokens;
      for (const Token& token : tokenize(line, settings)) {
        require(token.begin <= token.end && token.end <= line.size(), "a token lies in its line");
        tokens.push_back(token.text);
      }
      detokenize(tokens, settings);
    }
    for (const Tokenizer tokenizer : {Tokenizer::none, Tokenizer::characters}) {
      const TextSettings kept{.tokenizer = tokenizer, .spacing = Spacing::kept};
      std::vector<std::string> tokens;
      for (Token& token : tokenize(line, kept)) tokens.push_back(std::move(token.text));
      const bool same = tokens.empty() || tokenizer == Tokenizer::characters || join(tokens) == line;
      require(same, "kept spacing comes back");
      has_other_spacing(line, tokenizer);
    }
    folded(line);
    cleaner.judge(trimmed(line), to_lower(line));
    std::string whole;
    for (const SentencePart& part : split_sentences(line, "en"))
      whole += part.before + part.text + part.after;
    require(whole == line, "sentences make up their line");
  }
}

std::vector<std::string> seeds() {
  return {"Mr. Smith's dog (3.5 years) runs... \"No!\" he said & left, didn't he?\n",
          "L'\xC3\xA9t\xC3\xA9 \xE2\x80\x94 c'est beau\xC2\xA0: \xC2\xAB oui "
          "\xC2\xBB\r\n\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"
          "\xE3\x80\x82 a-b 1,000 x@y.z http://a.b/c &amp; <b>\n"};
}

}  // namespace heed::fuzz::text
HEED_FUZZ_TARGET(text, "&apos;", "&#124;", "...", "@-@", "'s", "\xC2\xA0", "\xCC\x81", "\xE2\x80\x8D",
                 "\xF0\x9F\x91\xA9", "\xE3\x80\x82", "\xEF\xBB\xBF", "</s>", "{{", "Dr.", "\r\n")
