// Records of translations with their attention, which the heatmap draws.
#include "models/run/translation.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::record {

using models::Translation;

void read(std::string_view bytes) {
  const Translation record = models::parse_translation(bytes, "records", 1);
  models::mean_attention(record);
  models::decoder_columns(record);
  models::parse_translation(models::to_json_line(record), "again", 1);
  if (record.pieces) models::mean_attention(models::by_pieces(record));
}

std::vector<std::string> seeds() {
  Translation plain;
  plain.model = "a model";
  plain.source = {"a dog", {{"a", {{0, 1}}}, {"dog", {{2, 5}}}, {"</s>", {}, true}}};
  plain.target = {"ein Hund", {{"ein", {{0, 3}}}, {"Hund", {}, false, true}, {"</s>", {}, true}}};
  plain.attention.push_back({0, 0, {{0.5F, 0.25F, 0.25F}, {0.125F, 0.5F, 0.375F}, {0, 0, 1}}});
  Translation full = plain;
  full.encoder_self_attention = full.decoder_self_attention = full.attention;
  full.usual_map = models::AttentionChoice{.layer = 0, .head = 0};
  full.pieces = models::TranslationPieces{{{"\xE2\x96\x81"
                                            "a",
                                            0},
                                           {"\xE2\x96\x81"
                                            "dog",
                                            1},
                                           {"</s>", 2}},
                                          {{"\xE2\x96\x81"
                                            "ein",
                                            0},
                                           {"\xE2\x96\x81Hund", 1},
                                           {"</s>", 2}},
                                          plain.attention,
                                          plain.attention,
                                          plain.attention};
  full.steps = {{-0.1, {{"ein", -0.1}, {"der", -2.5}}}, {-0.5, {}}, {-0.2, {}}};
  full.beam = {{-1, "ein", -0.1, models::BeamFate::kept}, {0, "Hund", -0.6, models::BeamFate::ended}};
  full.without = {{0, "Hund", -1}, {1, "ein", -2}};
  full.without_kind = models::WithoutKind::mask;
  full.vectors = {{0, 0, {{1, 2}, {3, 4}, {5, 6}}, {{1, 2}, {3, 4}, {5, 6}}, {{1, 2}, {3, 4}, {5, 6}}}};
  return {models::to_json_line(plain), models::to_json_line(full), models::to_json_line({})};
}

}  // namespace heed::fuzz::record
HEED_FUZZ_TARGET(record, "\"span\":", "\"eos\":true", "\"unk\":true", "\"layer\":", "\"head\":",
                 "\"weights\":", "\"word\":", "\"parent\":", "\"fate\":", "\"kind\":", "null", "[]", "{}",
                 "[[", "1e999", "-1", "2147483648", "9223372036854775807", "\\ud800", "\"version\": 1")
