// The attention record: round trip, and one clear line for whatever is wrong with it.
#include "models/run/translation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"

namespace heed::models {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Translation example() {
  Translation record;
  record.id = 3;
  record.model = "additive attention, LSTM 256";
  record.score = -4.25;
  record.source = {"A dög.",
                   {{"a", {{0, 1}}}, {"dög", {{2, 6}}, false, true}, {".", {{6, 7}}}, {"</s>", {}, true}}};
  record.target = {"hund", {{"hund", {{0, 4}}}, {"</s>", {}, true}}};
  record.attention = {{0, 0, {{0.25f, 0.5f, 0.25f, 0}, {0, 0, 0, 1}}}, {0, 1, {{1, 0, 0, 0}, {0, 1, 0, 0}}}};
  return record;
}

// With what a Transformer's record may hold besides.
Translation example_with_self_attention() {
  Translation record = example();
  record.encoder_self_attention = {
      {1, 0, {{1, 0, 0, 0}, {0.5f, 0.5f, 0, 0}, {0, 0, 1, 0}, {0.25f, 0.25f, 0.25f, 0.25f}}}};
  // columns: <s>, hund
  record.decoder_self_attention = {{0, 0, {{1, 0}, {0.75f, 0.25f}}}, {0, 1, {{1, 0}, {0, 1}}}};
  return record;
}

// Of a model that reads d ög and writes h und.
Translation example_with_pieces() {
  Translation record = example_with_self_attention();
  TranslationPieces pieces;
  pieces.source = {{"\u2581a", 0}, {"\u2581d", 1}, {"ög", 1}, {"\u2581.", 2}, {"</s>", 3}};
  pieces.target = {{"\u2581h", 0}, {"und", 0}, {"</s>", 1}};
  pieces.attention = {{0, 0, {{1, 0, 0, 0, 0}, {0, 0.5f, 0.5f, 0, 0}, {0, 0, 0, 0, 1}}}};
  pieces.decoder_self_attention = {{0, 0, {{1, 0, 0}, {0.5f, 0.5f, 0}, {0, 0, 1}}}};
  record.pieces = pieces;
  return record;
}

std::string error_of(const std::string& line) {
  try {
    parse_translation(line, "out.jsonl", 7);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

// The example with one place changed.
std::string changed(const std::string& pointer, const nlohmann::json& value,
                    const Translation& record = example()) {
  auto json = nlohmann::json::parse(to_json_line(record));
  json[nlohmann::json::json_pointer(pointer)] = value;
  return json.dump();
}

TEST(TranslationRecord, TextIsAsDocumented) {
  Translation record = example();
  record.attention.pop_back();
  record.target.tokens.pop_back();
  record.attention[0].weights = {{0.1f, 1.0f / 3, 0.9999999f, 1e-9f}};
  EXPECT_EQ(
      to_json_line(record),
      R"({"format":"heed.attention","version":2,"id":3,"model":"additive attention, LSTM 256","rank":1,"score":-4.25,)"
      R"("source":{"text":"A dög.","tokens":[{"text":"a","span":[0,1]},{"text":"dög","span":[2,6],"unk":true},)"
      R"({"text":".","span":[6,7]},{"text":"</s>","eos":true}]},)"
      R"("target":{"text":"hund","tokens":[{"text":"hund","span":[0,4]}]},)"
      R"("attention":[{"layer":0,"head":0,"weights":[[0.1,0.333333,1.0,0.0]]}]})");
}

TEST(TranslationRecord, RoundTrip) {
  EXPECT_EQ(parse_translation(to_json_line(example()), "x", 1), example());
  Translation bare;  // no attention, no words
  EXPECT_EQ(parse_translation(to_json_line(bare), "x", 1), bare);
  EXPECT_EQ(to_json_line(example()).find('\n'), std::string::npos);
}

TEST(TranslationRecord, SelfAttentionIsOptional) {
  const Translation record = example_with_self_attention();
  EXPECT_EQ(parse_translation(to_json_line(record), "x", 1), record);
  const std::string plain = to_json_line(example()), line = to_json_line(record);
  EXPECT_EQ(plain.find("self_attention"), std::string::npos);
  EXPECT_EQ(
      line,
      plain.substr(0, plain.size() - 1) +
          R"(,"encoder_self_attention":[{"layer":1,"head":0,"weights":[[1.0,0.0,0.0,0.0],[0.5,0.5,0.0,0.0],)"
          R"([0.0,0.0,1.0,0.0],[0.25,0.25,0.25,0.25]]}],"decoder_self_attention":[{"layer":0,"head":0,"weights":)"
          R"([[1.0,0.0],[0.75,0.25]]},{"layer":0,"head":1,"weights":[[1.0,0.0],[0.0,1.0]]}]})");
  EXPECT_EQ(parse_translation(changed("/encoder_self_attention", nlohmann::json::array()), "x", 1),
            example());
  Translation cut = record;  // at the length limit: no </s>
  cut.target.tokens.pop_back();
  for (auto& map : cut.attention) map.weights.pop_back();
  for (auto& map : cut.decoder_self_attention) map.weights.pop_back();
  EXPECT_EQ(decoder_columns(cut), 2U);
  EXPECT_EQ(parse_translation(to_json_line(cut), "x", 1), cut);
}

TEST(TranslationRecord, WrongSelfAttentionIsNamedInOneLine) {
  const std::string at = "'out.jsonl' line 7: ";
  const auto error = [](const std::string& pointer, const nlohmann::json& value) {
    return error_of(changed(pointer, value, example_with_self_attention()));
  };
  EXPECT_EQ(error("/encoder_self_attention", 1), at + "encoder_self_attention is not a list");
  EXPECT_EQ(error("/encoder_self_attention/0/weights", {{1, 0, 0, 0}}),
            at + "encoder_self_attention[0].weights has 1 rows, source has 4 tokens");
  EXPECT_EQ(error("/encoder_self_attention/0/weights/2", {1, 0}),
            at + "encoder_self_attention[0].weights[2] has 2 values, source has 4 tokens");
  EXPECT_EQ(error("/decoder_self_attention/1/weights", {{1, 0}}),
            at + "decoder_self_attention[1].weights has 1 rows, target has 2 tokens");
  EXPECT_EQ(
      error("/decoder_self_attention/1/weights/0", {1, 0, 0}),
      at + "decoder_self_attention[1].weights[0] has 3 values, <s> and target without </s> have 2 tokens");
  EXPECT_EQ(error("/decoder_self_attention/1/weights/0/1", -1),
            at + "decoder_self_attention[1].weights[0][1] is outside [0, 1]: -1");
  EXPECT_EQ(error("/decoder_self_attention/1/head", 0),
            at + "decoder_self_attention[1] is layer 0 head 0 again");
  EXPECT_EQ(error("/decoder_self_attention/1", nullptr), at + "decoder_self_attention[1] is not an object");
}

TEST(TranslationRecord, PiecesAreOptionalAndStandInForWords) {
  const Translation record = example_with_pieces();
  EXPECT_EQ(parse_translation(to_json_line(record), "x", 1), record);
  const Translation pieces = by_pieces(record);
  EXPECT_FALSE(pieces.pieces);
  ASSERT_EQ(pieces.source.tokens.size(), 5U);
  EXPECT_EQ(pieces.source.tokens[2].text, "ög");
  EXPECT_TRUE(pieces.source.tokens[2].unk && pieces.source.tokens[4].eos && pieces.target.tokens[2].eos);
  EXPECT_FALSE(pieces.source.tokens[2].span);
  EXPECT_EQ(pieces.attention, record.pieces->attention);
  EXPECT_EQ(pieces.decoder_self_attention, record.pieces->decoder_self_attention);
  EXPECT_TRUE(pieces.encoder_self_attention.empty());
  EXPECT_EQ(parse_translation(to_json_line(pieces), "x", 1), pieces);  // a record like any other
  EXPECT_THAT([] { by_pieces(example()); },
              ThrowsMessage<ValueError>(
                  "pieces: 'additive attention, LSTM 256' has no pieces: its vocabulary has whole words"));
}

TEST(TranslationRecord, WrongPiecesAreNamedInOneLine) {
  const std::string at = "'out.jsonl' line 7: pieces";
  const auto error = [](const std::string& pointer, const nlohmann::json& value) {
    return error_of(changed(pointer, value, example_with_pieces()));
  };
  EXPECT_EQ(error("/pieces", 1), at + " is not an object");
  EXPECT_EQ(error("/pieces/source", "x"), at + ".source is not a list");
  EXPECT_EQ(error("/pieces/source/1/word", 4), at + ".source[1].word is out of range: 4");
  EXPECT_EQ(error("/pieces/target/0/word", -1), at + ".target[0].word is out of range: -1");
  EXPECT_EQ(error("/pieces/target/0/text", 1), at + ".target[0].text is not text");
  EXPECT_EQ(error("/pieces/attention/0/weights/1", {1, 0}),
            at + ".attention[0].weights[1] has 2 values, source has 5 tokens");
  EXPECT_EQ(
      error("/pieces/decoder_self_attention/0/weights/1", {1, 0}),
      at + ".decoder_self_attention[0].weights[1] has 2 values, <s> and target without </s> have 3 tokens");
}

TEST(TranslationRecord, StepsBeamAndLeftOutWordsAreOptional) {
  Translation record = example_with_pieces();
  record.steps = {{-0.25, {{"\u2581h", -0.25}, {"\u2581k", -2}}}, {-0.5, {}}, {0, {{"</s>", 0}}}};
  record.beam = {{-1, "\u2581h", -0.25, BeamFate::kept},
                 {0, "und", -0.75, BeamFate::ended},
                 {0, "a", -3, BeamFate::pruned}};
  record.without = {{1, "ein", -1.5}};
  for (const WithoutKind kind : {WithoutKind::drop, WithoutKind::mask}) {
    record.without_kind = kind;
    EXPECT_EQ(parse_translation(to_json_line(record), "x", 1), record);
  }
  nlohmann::json older = nlohmann::json::parse(to_json_line(record));
  older.erase("without_kind");
  EXPECT_EQ(parse_translation(older.dump(), "x", 1).without_kind, WithoutKind::drop);
  const std::string at = "'out.jsonl' line 7: ";
  const auto error = [&](const std::string& pointer, const nlohmann::json& value) {
    return error_of(changed(pointer, value, record));
  };
  EXPECT_EQ(error("/steps", {{{"log_probability", 0}, {"best", nlohmann::json::array()}}}),
            at + "steps has 1 entries, the target has 3 units");
  EXPECT_EQ(error("/steps/0/best/1/text", 3), at + "steps[0].best[1].text is not text");
  EXPECT_EQ(error("/beam/1/parent", 1), at + "beam[1].parent is out of range: 1");
  EXPECT_EQ(error("/beam/1/fate", "lost"), at + "beam[1].fate is 'lost', which is no fate of a hypothesis");
  EXPECT_EQ(error("/without/0/word", 4), at + "without[0].word is out of range: 4");
  EXPECT_EQ(error("/without_kind", "hide"), at + "without_kind is 'hide', not mask or drop");
}

TEST(TranslationRecord, TheMapOfARunsChoiceIsOptional) {
  Translation record = example_with_pieces();
  EXPECT_EQ(nlohmann::json::parse(to_json_line(record)).contains("usual_map"), false);
  const AttentionWeights& map = record.attention.front();
  for (const int head : {-1, map.head}) {
    record.usual_map = AttentionChoice{.layer = map.layer, .head = head};
    EXPECT_EQ(parse_translation(to_json_line(record), "x", 1), record);
    EXPECT_EQ(by_pieces(record).usual_map, record.usual_map);
  }
  const std::string at = "'out.jsonl' line 7: usual_map";
  const auto error = [&](const nlohmann::json& value) {
    return error_of(changed("/usual_map", value, record));
  };
  EXPECT_EQ(error({{"layer", 9}, {"head", 0}}), at + " is layer 9, head 0, which 'attention' does not have");
  EXPECT_EQ(error({{"layer", 9}}), at + " is layer 9, mean of its heads, which 'attention' does not have");
  EXPECT_EQ(error({{"layer", -1}}), at + ".layer is out of range: -1");
}

TEST(TranslationRecord, VectorsOfAttentionAreOptional) {
  Translation record = example_with_pieces();
  const auto vectors = [](size_t units) { return std::vector(units, std::vector<float>{0.5F, -1.25F}); };
  const size_t source = record.pieces->source.size(), target = record.pieces->target.size();
  record.vectors = {{0, 0, vectors(target), vectors(source), vectors(source)},
                    {1, 1, vectors(source), vectors(source), vectors(source)}};
  EXPECT_EQ(parse_translation(to_json_line(record), "x", 1), record);
  const std::string at = "'out.jsonl' line 7: vectors[0].";
  const auto error = [&](const std::string& pointer, const nlohmann::json& value) {
    return error_of(changed(pointer, value, record));
  };
  EXPECT_EQ(error("/vectors/0/kind", "own"), at + "kind is 'own', which is no kind of attention");
  EXPECT_EQ(error("/vectors/0/key", {{1, 2}}), at + "key has 1 vectors, there are 5 units");
  EXPECT_EQ(error("/vectors/0/value/1", {1}), at + "value[1] has 1 values, the first 2");
  EXPECT_EQ(error("/vectors/0/query", {{1}, {1}, {1}}), at + "query has vectors of 1, key of 2");
}

TEST(TranslationRecord, TheFirstVersionCountedLinesFromZero) {
  nlohmann::json first = nlohmann::json::parse(to_json_line(example()));
  first["version"] = 1;
  Translation wanted = example();
  wanted.id += 1;
  EXPECT_EQ(parse_translation(first.dump(), "x", 1), wanted);
  first["id"] = 0;
  EXPECT_EQ(parse_translation(first.dump(), "x", 1).id, 1);
}

TEST(TranslationRecord, UnknownKeysAreIgnored) {
  EXPECT_EQ(parse_translation(changed("/later", {{"a", 1}}), "x", 1), example());
}

TEST(TranslationRecord, WhatIsWrongIsNamedInOneLine) {
  const std::string at = "'out.jsonl' line 7: ";
  EXPECT_EQ(error_of(""), at + "the record is cut off: its JSON ends too early");
  EXPECT_EQ(error_of("{\"format\": \"heed.attention\""),
            at + "the record is cut off: its JSON ends too early");
  EXPECT_EQ(error_of("{\"a\":\"\xFF\"}"), at + "is not JSON: character 7 is not what should stand there");
  EXPECT_EQ(error_of("[1]"), at + "not a JSON object");
  EXPECT_EQ(error_of("{}"), at + "'format' is missing");
  EXPECT_EQ(error_of(changed("/format", "other")), at + "format is not 'heed.attention'");
  EXPECT_EQ(error_of(changed("/id", 0)), at + "id is below 1");
  EXPECT_EQ(error_of(changed("/version", 3)), at + "version 3 is newer than this heed reads (2)");
  EXPECT_EQ(error_of(changed("/id", -1)), at + "id is out of range: -1");
  EXPECT_EQ(error_of(changed("/rank", 18446744073709551615u)),
            at + "rank is out of range: 18446744073709551615");
  EXPECT_EQ(error_of(changed("/rank", 1.5)), at + "rank is not a whole number");
  EXPECT_EQ(error_of(changed("/score", nullptr)), at + "score is not a number");
  EXPECT_EQ(error_of(changed("/source", "x")), at + "source is not an object");
  EXPECT_EQ(error_of(changed("/source/tokens/1", "x")), at + "source.tokens[1] is not an object");
  EXPECT_EQ(error_of(changed("/source/tokens/1/span/1", 8)),
            at + "source.tokens[1].span[1] is out of range: 8");
  EXPECT_EQ(error_of(changed("/source/tokens/1/span/1", 4)),
            at + "source.tokens[1].span cuts a character in two");
  EXPECT_EQ(error_of(changed("/source/tokens/1/span", {6, 2})),
            at + "source.tokens[1].span[0] is out of range: 6");
  EXPECT_EQ(error_of(changed("/target/tokens/1/eos", 1)),
            at + "target.tokens[1].eos is neither true nor false");
  EXPECT_EQ(error_of(changed("/attention", 5)), at + "attention is not a list");
  EXPECT_EQ(error_of(changed("/attention/0/weights", {{1, 0, 0, 0}})),
            at + "attention[0].weights has 1 rows, target has 2 tokens");
  EXPECT_EQ(error_of(changed("/attention/0/weights/1", {1, 0})),
            at + "attention[0].weights[1] has 2 values, source has 4 tokens");
  EXPECT_EQ(error_of(changed("/attention/0/weights/1/2", 1.5)),
            at + "attention[0].weights[1][2] is outside [0, 1]: 1.5");
  EXPECT_EQ(error_of(changed("/attention/0/weights/1/2", nullptr)),
            at + "attention[0].weights[1][2] is not a number");
  EXPECT_EQ(error_of(changed("/attention/1/head", 0)), at + "attention[1] is layer 0 head 0 again");
  std::string huge = to_json_line(example());
  huge.replace(huge.find("-4.25"), 5, "1e999");
  EXPECT_THAT(error_of(huge), HasSubstr(at + "number overflow"));
}

TEST(TranslationRecord, AnyDamageIsAFormatErrorOrAValidRecord) {
  const std::string line = to_json_line(example_with_pieces());
  unsigned state = 1;  // a small linear congruential generator
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = line;
    for (int i = 0; i < 1 + round % 3; ++i) {
      state = state * 1664525u + 1013904223u;
      const size_t at = (state >> 8) % damaged.size();
      state = state * 1664525u + 1013904223u;
      if (round % 4 == 0) {
        damaged.resize(at + 1);
      } else if (round % 4 == 1) {
        damaged.erase(at, 1 + (state >> 8) % 9);
        if (damaged.empty()) damaged = "x";
      } else {
        damaged[at] = static_cast<char>(state >> 24);
      }
    }
    EXPECT_THAT(error_of(damaged), testing::AnyOf("no error", testing::StartsWith("'out.jsonl' line 7: ")));
    EXPECT_EQ(error_of(damaged).find('\n'), std::string::npos);
  }
  EXPECT_THAT(error_of(std::string(200000, '[')), HasSubstr("its JSON nests too deeply"));
}

TEST(TranslationRecord, WritersMistakesAreRefused) {
  Translation record = example();
  record.score = -std::numeric_limits<double>::infinity();
  EXPECT_THAT([&] { to_json_line(record); },
              ThrowsMessage<ValueError>("translation: the score is not finite"));
  record = example();
  record.attention[0].weights[0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(to_json_line(record), ValueError);
  record = example();
  record.attention[0].weights.pop_back();
  EXPECT_THAT([&] { to_json_line(record); },
              ThrowsMessage<ValueError>("translation: 1 rows of attention, target has 2 tokens"));
  record = example_with_self_attention();
  record.decoder_self_attention[0].weights[1].push_back(0);
  EXPECT_THAT([&] { to_json_line(record); },
              ThrowsMessage<ValueError>("translation: 3 values in a row of decoder_self_attention, <s> and "
                                        "target without </s> have 2 tokens"));
}

}  // namespace
}  // namespace heed::models
